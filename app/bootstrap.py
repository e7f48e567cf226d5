"""Building the application from settings: the only place that creates keys, clients and services."""

import os
from asyncio import get_running_loop
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app import api, web
from app.acknowledgements import AcknowledgementService, ReceiptSigner
from app.alerting import AlertWebhook, CanaryAlerter, GlobalLimitAlerter
from app.background import BackgroundJobs, may_send
from app.clock import Clock, system_clock
from app.config import Settings
from app.crypto.key_files import KeyRing
from app.crypto.key_ratchet import KeyRatchet
from app.crypto.ratchet_file import RatchetFile
from app.datasets.argon2_slots import Argon2Slots
from app.datasets.canary_index import CanaryIndex
from app.datasets.errors import CatalogInvalid
from app.datasets.kdf_params import IdentifierHasher
from app.datasets.sealed_store import SealedStore
from app.datasets.signed_catalog import CatalogVerifier, public_key_of
from app.db import Database
from app.delivery import Message, Outbox, Sender
from app.errors import ExposureError, OperationRefused
from app.exposures import ExposureService
from app.http import events
from app.http.log_config import configure_logging
from app.http.metrics import Metrics
from app.http.middleware import RequestMiddleware, record_dependency_failure
from app.http.problems import error_response
from app.http.rate_limit.request_limiter import RequestLimiter
from app.http.rate_limit.route import RequestRateLimited, enforce_rate_limit
from app.http.services import Services
from app.incidents.cache import IncidentCache
from app.keyholder import KeyholderClient
from app.rate_limits import (
    ActionLimiter,
    DeferredDenials,
    MemoryBucketStore,
    ProofOfWork,
    RedisBucketStore,
    RedisCircuitBreaker,
    RouteLimit,
    WaitingRoom,
    load_policy,
)
from app.verification import Destination, Pseudonymizer, SessionService, VerificationService

log = structlog.get_logger()


def create_app(
    settings: Settings,
    *,
    keyholder_socket: Path,
    sender: Sender,
    workers: int = 1,
    clock: Clock = system_clock,
    print_tracebacks: bool = False,
) -> FastAPI:
    """Build the application.

    Args:
        settings: read and checked.
        keyholder_socket: the keyholder's lookup socket.
        sender: delivers the codes.
        workers: processes that share this machine's cores, this one included.
        clock: returns the time.
        print_tracebacks: print exceptions with their text, which can contain data: for development with synthetic people only.

    Raises:
        InvalidKey: a key cannot be used.
        InvalidLimitsFile: the file of rate limits cannot be used.
        OperationRefused: a data set is synthetic, and the sender can reach real people.
    """
    configure_logging(settings.log_level)
    services = _build_services(settings, keyholder_socket, workers, clock)
    if not may_send(services.database, sender):
        services.close()
        raise OperationRefused(
            "EXPOSURE_SENDER: must be `console` while a data set is synthetic: its phone numbers may belong to real people"
        )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # one connection for each request thread and one for the background thread, so that none waits for another
        get_running_loop().set_default_executor(ThreadPoolExecutor(settings.database_pool - 1, "request"))
        log.info("started")
        try:
            with BackgroundJobs(services, sender).running(), services.canary_alerter.running():
                yield
        finally:
            services.close()
            log.info("stopped")

    app = FastAPI(
        title="Exposure Lookup",
        summary="What of mine leaked, and what do I do now?",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would redirect to the Host header's name, uncounted
        openapi_url=None,  # served by app.api.health, on a route with a rate limit
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.services = services
    for router in (*api.ROUTERS, *([api.METRICS_ROUTER] if settings.metrics_token else []), *web.ROUTERS):
        app.include_router(router)
    for kind in (ExposureError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _answer_error)
    app.add_middleware(
        RequestMiddleware,
        send_hsts=settings.secure_cookies,
        on_response=services.metrics.count_response,
        print_tracebacks=print_tracebacks,
    )
    if settings.trusted_proxies:
        app.add_middleware(
            ProxyHeadersMiddleware, trusted_hosts=[str(network) for network in settings.trusted_networks]
        )
    return app


def _build_services(settings: Settings, keyholder_socket: Path, workers: int, clock: Clock) -> Services:
    keys = KeyRing(settings.key_dir)
    application_key = keys.load_application_key()
    code_lifetime = timedelta(seconds=settings.code_ttl)
    key_ratchet = KeyRatchet(RatchetFile(settings.ratchet_folder), code_lifetime)
    database = Database(settings.database_url, pool_size=settings.database_pool)
    replica = None
    if settings.replica_url is not None:
        replica = Database(settings.replica_url, pool_size=settings.database_pool, name="the replica")
    keyholder = KeyholderClient(keyholder_socket)
    argon2_slots = Argon2Slots((os.cpu_count() or 1) // workers)
    signing_key = keys.load_signing_key()
    verify_catalog = CatalogVerifier(public_key_of(signing_key))
    sealed_store = SealedStore(keys, keyholder, argon2_slots, replica, verify_catalog)
    hasher = IdentifierHasher(keyholder, argon2_slots)

    metrics = Metrics(has_redis=settings.redis_url is not None)
    reporter = events.EventReporter(metrics)
    webhook_url = settings.alert_webhook_url
    webhook = AlertWebhook(webhook_url, events.log_webhook_failure) if webhook_url else None
    global_limit_alerter = GlobalLimitAlerter(clock, events.log_global_denial, webhook)
    on_denied = partial(reporter.report_denial, global_limit_alerter)

    policy = load_policy(settings.limits_file)
    breaker = None
    if settings.redis_url is not None:
        breaker = RedisCircuitBreaker(settings.redis_url, reporter.report_redis_state, metrics.count_redis_fallback)
    limits_key = application_key.subkey("limits")
    buckets = RedisBucketStore(breaker, limits_key) if breaker else MemoryBucketStore(limits_key)
    deferred_denials = DeferredDenials(on_denied)
    action_limiter = ActionLimiter(policy, buckets, deferred_denials.record)

    def refund_undelivered(message: Message, now: datetime) -> None:
        subject = Destination(message.channel, message.address, message.pseudonym).limit_subject
        action_limiter.refund_undelivered(subject, now=now)

    report_mismatch = partial(reporter.report_ratchet_problem, "ratchet-mismatch")
    outbox = Outbox(key_ratchet, refund_undelivered, metrics.count_message, report_mismatch)
    sessions = SessionService(timedelta(seconds=settings.session_ttl))
    return Services(
        clock=clock,
        database=database,
        replica=replica,
        keyholder=keyholder,
        sealed_store=sealed_store,
        incident_cache=IncidentCache(verify_catalog),
        verification=VerificationService(application_key, outbox, sessions, keyholder, hasher, code_lifetime),
        pseudonymizer=Pseudonymizer(application_key, keyholder),
        key_ratchet=key_ratchet,
        outbox=outbox,
        sessions=sessions,
        exposures=ExposureService(sealed_store, keyholder, hasher),
        acknowledgements=AcknowledgementService(application_key, ReceiptSigner(signing_key)),
        request_limiter=RequestLimiter(policy, limits_key, breaker, on_denied),
        action_limiter=action_limiter,
        deferred_denials=deferred_denials,
        proof_of_work=ProofOfWork(application_key.subkey("proof of work")),
        waiting_room=WaitingRoom(policy, buckets, application_key.subkey("queue"), deferred_denials.record),
        canaries=CanaryIndex(keys),
        canary_alerter=CanaryAlerter(action_limiter, reporter.report_canary_alert, events.log_alert_failure, webhook),
        sms_countries=policy.sms_countries,
        secure_cookies=settings.secure_cookies,
        public_host=settings.public_host,
        metrics=metrics,
        reporter=reporter,
        metrics_token=settings.metrics_token,
    )


async def _answer_error(request: Request, error: Exception) -> Response:
    """Answer an error: a page for browsers, a problem for other clients. A call that matched no route is charged here."""
    if isinstance(error, HTTPException) and not hasattr(request.state, "rate_limit"):
        try:
            await enforce_rate_limit(RouteLimit.OTHER, request)
        except RequestRateLimited as denied:
            error = denied
    record_dependency_failure(request, error)
    if isinstance(error, CatalogInvalid):
        events.log_invalid_catalog(error)
    problem = error_response(request, error)
    return web.error_page(request, problem) if web.wants_html(request) else problem

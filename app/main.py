"""Wiring: the one place that builds the services of an application out of settings, and the entry of the command line."""

import os
import threading
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

from app.acknowledgements import AcknowledgementService, ReceiptSigner
from app.alerting import AlertWebhook, CanaryAlert, CanaryAlerter, GlobalLimitAlerter
from app.clock import Clock, system_clock
from app.config import Settings
from app.crypto.key_files import KeyRing
from app.datasets import Argon2Slots, CanaryIndex, IdentifierHasher, SealedStore, has_synthetic_data
from app.db import Database
from app.delivery import Message, Outbox, Sender
from app.errors import ExposureError, OperationRefused
from app.exposures import ExposureService
from app.faces import api, web
from app.faces.cli import run_command_line
from app.faces.http.log_config import configure_logging
from app.faces.http.metrics import Metrics
from app.faces.http.middleware import RequestMiddleware, record_dependency_failure
from app.faces.http.problems import error_response
from app.faces.http.rate_limited_route import RequestRateLimited, enforce_rate_limit
from app.faces.http.services import Services
from app.incidents import IncidentCache
from app.keyholder import KeyholderClient
from app.rate_limits import (
    ActionLimiter,
    DeferredDenials,
    MemoryBucketStore,
    ProofOfWork,
    RedisBucketStore,
    RedisCircuitBreaker,
    RequestLimiter,
    RouteLimit,
    WaitingRoom,
    load_policy,
)
from app.verification import Destination, SessionService, VerificationService

DELIVERY_SECONDS = 0.2
ERASURE_SECONDS = 60.0
CANARY_SECONDS = 1.0

log = structlog.get_logger()


def create_app(
    settings: Settings, *, keyholder_socket: Path, sender: Sender, workers: int = 1, clock: Clock = system_clock
) -> FastAPI:
    """Build the application.

    Args:
        settings: read and checked.
        keyholder_socket: the keyholder's lookup socket.
        sender: delivers the codes.
        workers: processes that share this machine's cores, of which this is one.
        clock: the time that everything goes by.

    Raises:
        InvalidKey: a key cannot be used.
        BadBudgets: the file of budgets cannot be used.
        OperationRefused: a data set is synthetic, and the sender reaches people.
    """
    configure_logging(settings.log_level)
    keys = KeyRing(settings.key_dir)
    secret = keys.load_application_key()
    database = Database(settings.database_url, pool_size=settings.database_pool)
    if _would_reach_strangers(database, sender):
        database.close()
        raise OperationRefused(
            "EXPOSURE_SENDER: a data set is synthetic, and its phone numbers may be somebody's: only `console` may be used"
        )
    replica = None
    if settings.replica_url is not None:
        replica = Database(settings.replica_url, pool_size=settings.database_pool, name="the replica")
    keyholder = KeyholderClient(keyholder_socket)
    argon2_slots = Argon2Slots((os.cpu_count() or 1) // workers)
    register = SealedStore(keys, keyholder, argon2_slots, replica)
    policy = load_policy(settings.limits_file)
    metrics = Metrics(has_redis=settings.redis_url is not None)
    alarm_url = settings.alert_webhook_url
    webhook = AlertWebhook(alarm_url, _log_webhook_failure) if alarm_url else None
    refused = partial(_note_refusal, metrics, GlobalLimitAlerter(clock, _log_overspent, webhook))
    store = None
    if settings.redis_url is not None:
        store = RedisCircuitBreaker(settings.redis_url, partial(_note_store, metrics), metrics.count_redis_fallback)
    buckets = RedisBucketStore(store) if store else MemoryBucketStore()
    refusals = DeferredDenials(refused)
    budgets = ActionLimiter(policy, buckets, refusals.record)

    def undelivered(message: Message, now: datetime) -> None:
        budgets.refund_undelivered(Destination(message.channel, message.address).limit_subject, now=now)

    outbox = Outbox(secret, undelivered, metrics.count_message)
    sessions = SessionService(timedelta(seconds=settings.session_ttl))
    digester = IdentifierHasher(keyholder, argon2_slots)
    verification = VerificationService(
        secret, outbox, sessions, keyholder, digester, timedelta(seconds=settings.code_ttl)
    )
    services = Services(
        clock=clock,
        database=database,
        replica=replica,
        keyholder=keyholder,
        sealed_store=register,
        incident_cache=IncidentCache(),
        verification=verification,
        outbox=outbox,
        sessions=sessions,
        exposures=ExposureService(register, keyholder, digester),
        acknowledgements=AcknowledgementService(secret, ReceiptSigner(keys.load_signing_key())),
        request_limiter=RequestLimiter(policy, store, refused),
        action_limiter=budgets,
        deferred_denials=refusals,
        proof_of_work=ProofOfWork(secret.subkey("proof of work")),
        waiting_room=WaitingRoom(policy, buckets, secret.subkey("queue"), refusals.record),
        canaries=CanaryIndex(keys),
        canary_alerter=CanaryAlerter(budgets, partial(_note_alarm, metrics), _log_alarm_failure, webhook),
        sms_countries=policy.sms_countries,
        secure_cookies=settings.secure_cookies,
        metrics=metrics,
        metrics_token=settings.metrics_token,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        worker = threading.Thread(target=_work, args=(stop, services, sender), daemon=True)
        worker.start()
        # a connection for each thread that may want one, and one for the worker's: none waits for what it cannot get
        get_running_loop().set_default_executor(ThreadPoolExecutor(settings.database_pool - 1, "request"))
        log.info("started")
        try:
            with services.canary_alerter.running():
                yield
        finally:
            stop.set()
            worker.join(timeout=5)
            services.deferred_denials.flush()
            services.close()
            log.info("stopped")

    app = FastAPI(
        title="Exposure Lookup",
        summary="What of mine leaked, and what do I do now?",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # served by faces/api/operations, on a route that spends like all others
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.services = services
    for router in (*api.ROUTERS, *([api.METRICS_ROUTER] if settings.metrics_token else []), *web.ROUTERS):
        app.include_router(router)
    for kind in (ExposureError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _answer_error)
    app.add_middleware(RequestMiddleware, send_hsts=settings.secure_cookies, on_response=metrics.count_response)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    return app


async def _answer_error(request: Request, error: Exception) -> Response:
    """Write an error as a page for whoever reads pages, as a problem for all others. A call that no route took spends here."""
    if isinstance(error, HTTPException) and not hasattr(request.state, "rate_limit"):
        try:
            await enforce_rate_limit(RouteLimit.OTHER, request)
        except RequestRateLimited as spent:
            error = spent
    record_dependency_failure(request, error)
    problem = error_response(request, error)
    return web.error_page(request, problem) if web.wants_html(request) else problem


def _note_refusal(metrics: Metrics, global_limit_alerter: GlobalLimitAlerter, budget: str) -> None:
    """Say that a budget refused, or in the record-only mode would have."""
    log.warning("rate-limit-denied", limit=budget)
    metrics.count_denial(budget)
    global_limit_alerter.record_denial(budget)


def _log_overspent(budget: str) -> None:
    """Say that a budget of the whole service is spent, which is for somebody to look at."""
    log.error("global-limit-denied", limit=budget)


def _note_store(metrics: Metrics, error: str | None) -> None:
    """Say that the store of limits fell silent, by the kind of *error*, or that it answers again: once for each change."""
    metrics.set_redis_available(error is None)
    if error is None:
        log.warning("redis-recovered")  # as loud as its loss, or a log of warnings would know of no end
    else:
        log.warning("redis-lost", error=error)


def _note_alarm(metrics: Metrics, alarm: CanaryAlert) -> None:
    """Say that a canary was touched, and by whom: as the budgets name them."""
    metrics.count_canary_hit()
    log.warning("canary-touched", incident=alarm.incident, channel=alarm.channel, drained_buckets=alarm.drained_buckets)


def _log_alarm_failure(error: Exception) -> None:
    log.error("alert-failed", error=type(error).__name__)


def _log_webhook_failure(reason: str) -> None:
    log.warning("webhook-failed", error=reason)


def _work(stop: threading.Event, services: Services, sender: Sender) -> None:
    """Know the canaries, deliver what is due and erase what has expired, until told to stop; a failure is logged and tried again."""
    erased, refreshed = 0.0, CANARY_SECONDS
    while not stop.wait(DELIVERY_SECONDS):
        try:
            services.deferred_denials.flush()
            refreshed += DELIVERY_SECONDS
            if refreshed >= CANARY_SECONDS:
                refreshed = 0.0
                services.canaries.refresh(services.database)
            if not _would_reach_strangers(
                services.database, sender
            ):  # a synthetic data set may have come since the start
                services.outbox.deliver_due(services.database, sender, services.clock)
            erased += DELIVERY_SECONDS
            if erased >= ERASURE_SECONDS:
                erased = 0.0
                with services.database.write() as session:
                    services.verification.erase_expired(session, now=services.clock())
                    services.outbox.erase_expired(session, now=services.clock())
        except Exception as error:  # noqa: BLE001  the thread must outlive whatever happens to one round
            log.warning("background-failed", error=type(error).__name__)


def _would_reach_strangers(database: Database, sender: Sender) -> bool:
    """Korea reserves no phone numbers for examples, so those that were made up may be real ones."""
    if not sender.is_live:
        return False
    with database.read() as session:
        return has_synthetic_data(session)


def main() -> None:
    """Run the command line."""
    run_command_line(create_app)


if __name__ == "__main__":
    main()

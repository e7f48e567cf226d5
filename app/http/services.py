"""The services that handle requests. `app.bootstrap` builds them once per application."""

from dataclasses import dataclass, field

from fastapi import Request

from app.acknowledgements import AcknowledgementService
from app.alerting import CanaryAlerter
from app.clock import Clock
from app.crypto.key_ratchet import KeyRatchet
from app.datasets.canary_index import CanaryIndex
from app.datasets.sealed_store import SealedStore
from app.db import Database
from app.delivery import Outbox
from app.exposures import ExposureService
from app.http.events import EventReporter
from app.http.metrics import Metrics
from app.http.rate_limit.request_limiter import RequestLimiter
from app.incidents.cache import IncidentCache
from app.keyholder import KeyholderClient
from app.rate_limits import ActionLimiter, DeferredDenials, ProofOfWork, WaitingRoom
from app.verification import Pseudonymizer, SessionService, VerificationService


@dataclass(frozen=True, slots=True)
class Services:
    """All services of one application."""

    clock: Clock
    database: Database
    replica: Database | None
    """PostgreSQL replica that the sealed store reads rows from."""
    keyholder: KeyholderClient
    sealed_store: SealedStore
    incident_cache: IncidentCache
    verification: VerificationService
    pseudonymizer: Pseudonymizer
    key_ratchet: KeyRatchet
    outbox: Outbox
    sessions: SessionService
    exposures: ExposureService
    acknowledgements: AcknowledgementService
    request_limiter: RequestLimiter
    action_limiter: ActionLimiter
    deferred_denials: DeferredDenials
    """Denials of `action_limiter` that are not logged yet."""
    proof_of_work: ProofOfWork
    waiting_room: WaitingRoom
    canaries: CanaryIndex
    canary_alerter: CanaryAlerter
    sms_countries: tuple[str, ...]
    """Calling codes of the countries that text messages are sent to."""
    secure_cookies: bool
    public_host: str | None
    """The name that clients reach the service under; None: only this machine reaches it."""
    metrics: Metrics
    reporter: EventReporter
    metrics_token: str | None = field(repr=False)

    def close(self) -> None:
        """Close the connections to the keyholder and the databases."""
        self.keyholder.close()
        self.database.close()
        if self.replica is not None:
            self.replica.close()


def services_of(request: Request) -> Services:
    """Return the services of the application. A plain function, because a FastAPI dependency is slower."""
    services: Services = request.app.state.services
    return services

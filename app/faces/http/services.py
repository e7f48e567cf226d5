"""What a request can use; built once, by `app.main`."""

from dataclasses import dataclass, field

from fastapi import Request

from app.acknowledgements import AcknowledgementService
from app.alerting import CanaryAlerter
from app.clock import Clock
from app.datasets import CanaryIndex, SealedStore
from app.db import Database
from app.delivery import Outbox
from app.exposures import ExposureService
from app.faces.http.metrics import Metrics
from app.incidents import IncidentCache
from app.keyholder import KeyholderClient
from app.rate_limits import ActionLimiter, RequestLimiter, ProofOfWork, WaitingRoom, DeferredDenials
from app.verification import SessionService, VerificationService


@dataclass(frozen=True, slots=True)
class Services:
    """The wired domains of one application."""

    clock: Clock
    database: Database
    replica: Database | None
    """Of the rows of look-ups; the register reads it."""
    keyholder: KeyholderClient
    sealed_store: SealedStore
    incident_cache: IncidentCache
    verification: VerificationService
    outbox: Outbox
    sessions: SessionService
    exposures: ExposureService
    acknowledgements: AcknowledgementService
    request_limiter: RequestLimiter
    action_limiter: ActionLimiter
    deferred_denials: DeferredDenials
    """Of those budgets, not yet told of."""
    proof_of_work: ProofOfWork
    waiting_room: WaitingRoom
    canaries: CanaryIndex
    canary_alerter: CanaryAlerter
    sms_countries: tuple[str, ...]
    """Calling codes of those to which text messages are sent."""
    secure_cookies: bool
    metrics: Metrics
    metrics_token: str | None = field(repr=False)

    def close(self) -> None:
        """Let go of what is open."""
        self.keyholder.close()
        self.database.close()
        if self.replica is not None:
            self.replica.close()


def services_of(request: Request) -> Services:
    """Find the services of the application that a request came to. Called, not depended on: FastAPI's way to them took longer."""
    services: Services = request.app.state.services
    return services

"""Requesting and confirming codes.

Rate limits are charged outside of the database transaction: a rollback refunds no attempt, and no lock is held while Redis answers.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.alerting import CanaryHit
from app.delivery import Channel
from app.http.client import Client
from app.http.services import Services
from app.locales import Locale
from app.verification import (
    Destination,
    MalformedCode,
    VerificationConfirmed,
    VerificationStarted,
    WrongCode,
    parse_destination,
)


def start_verification(
    services: Services, client: Client, channel: Channel, identifier: str, locale: Locale, ticket: str | None
) -> VerificationStarted:
    """Start a verification: send a code, unless a silent limit withholds it.

    Args:
        services: of the application.
        client: who requests the code.
        channel: how the code is sent.
        identifier: as the person typed it.
        locale: language of the message.
        ticket: the client's waiting-room ticket, if it has one.

    Raises:
        InvalidIdentifier: not a valid identifier of this channel.
        RateLimited: the client reached a rate limit.
        MustQueue: the service admits no more new verifications now.
        DependencyUnavailable: the keyholder or the database failed. A failed keyholder consumes nothing.
    """
    now = services.clock()
    # before any charge: while the keyholder fails, everybody gets the same error and nothing is spent
    destination = parse_destination(channel, identifier, services.sms_countries, services.pseudonymizer)
    if not services.waiting_room.redeem_ticket(ticket, destination.pseudonym, now=now):
        _charge_code_request(services, client, now)
        services.waiting_room.enter(
            destination.pseudonym, now=now
        )  # a client that returns with its ticket has already been charged
    send = _authorize_message(services, client, destination, now)
    with services.database.write() as db:
        return services.verification.start(db, destination, locale, send=send, now=now)


def resend_code(services: Services, client: Client, verification_id: UUID, client_secret: str) -> VerificationStarted:
    """Send a new code for a verification. The previous code becomes invalid.

    Raises:
        UnknownVerification, VerificationEnded, ResendTooSoon: as for `VerificationService.resend`.
        RateLimited: the client reached a rate limit.
    """
    now = services.clock()
    with services.database.read() as db:
        destination = services.verification.resend_destination(db, verification_id, client_secret, now=now)
    _charge_code_request(services, client, now)
    send = _authorize_message(services, client, destination, now)
    with services.database.write() as db:
        return services.verification.resend(db, verification_id, client_secret, send=send, now=now)


def confirm_code(
    services: Services,
    client: Client,
    verification_id: UUID,
    client_secret: str,
    code: str,
    find_session_token: Callable[[Session], str | None],
) -> VerificationConfirmed | WrongCode | MalformedCode:
    """Check a code, and create a session, or replace an existing one by one that also has the identifier.

    Text that cannot be a code is refunded like an attempt at an unknown verification: it costs no try, so if it counted as a wrong code, one client
    could use up the service's limit for everybody. The request limit of the route counts it.

    Args:
        services: of the application.
        client: who tries the code.
        verification_id: the verification.
        client_secret: its secret.
        code: as the person typed it.
        find_session_token: returns the token of the session to add the identifier to, or None.

    Raises:
        UnknownVerification, VerificationEnded, NotSignedIn, TooManyIdentifiers: as for `VerificationService.confirm`.
        RateLimited: the client reached a rate limit.
        DependencyUnavailable: the service's limit of wrong codes is reached, or a dependency failed. This consumes neither a try nor the code.
    """
    now = services.clock()
    with services.action_limiter.attempt_code(client.address, now=now) as attempt:
        with services.database.write() as db:
            outcome = services.verification.confirm(
                db, verification_id, client_secret, code, token=find_session_token(db), now=now
            )
        if isinstance(outcome, MalformedCode):
            return outcome
        if isinstance(outcome, WrongCode):
            attempt.record_failure(outcome.destination.limit_subject)
        else:
            attempt.record_success(outcome.destination.limit_subject)
    services.metrics.count_code_attempt(is_correct=isinstance(outcome, VerificationConfirmed))
    return outcome


def _charge_code_request(services: Services, client: Client, now: datetime) -> None:
    solution = services.proof_of_work.verify(client.work_solution, now=now)
    services.action_limiter.charge_code_request(client.address, solution=solution, now=now)


def _authorize_message(services: Services, client: Client, destination: Destination, now: datetime) -> bool:
    """Charge a message to the rate limits, report a canary hit, and return whether to send. A canary gets no message, but the same response."""
    send = services.action_limiter.charge_message(client.address, destination.limit_subject, now=now)
    incident = services.canaries.find_incident(destination.kind, destination.address)
    if incident is None:
        return send
    services.canary_alerter.report_hit(CanaryHit(now, client.address, destination.channel, incident))
    return False

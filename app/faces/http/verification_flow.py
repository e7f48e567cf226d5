"""Requesting and confirming codes, for the API and the pages.

Rate limits are charged outside of the database transaction: a rollback refunds no attempt, and no lock is held while Redis answers.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from fastapi import Request
from sqlalchemy.orm import Session

from app.alerting import CanaryHit
from app.delivery import Channel
from app.faces.http.services import services_of
from app.locales import Locale
from app.rate_limits import VerifiedSolution, client_address_of
from app.verification import Destination, VerificationConfirmed, VerificationStarted, WrongCode, parse_destination

PROOF_OF_WORK_HEADER, QUEUE_TICKET_HEADER = "Proof-Of-Work", "Queue-Ticket"


def start_verification(
    request: Request, channel: Channel, identifier: str, locale: Locale, ticket: str | None
) -> VerificationStarted:
    """Start a verification: send a code, unless a silent limit withholds it.

    Args:
        request: the client's request.
        channel: how the code is sent.
        identifier: as the person typed it.
        locale: language of the message.
        ticket: the client's waiting-room ticket, if it has one.

    Raises:
        InvalidIdentifier: not a valid identifier of this channel.
        OverBudget: the client reached a rate limit.
        Crowded: the service admits no more new verifications now.
    """
    services, now, asker = services_of(request), services_of(request).clock(), client_address_of(request)
    destination = parse_destination(channel, identifier, services.sms_countries)
    if not services.waiting_room.redeem_ticket(ticket, now=now):
        services.action_limiter.charge_code_request(
            asker, destination.limit_subject, solution=_verify_solution(request, now), now=now
        )
        services.waiting_room.enter(now=now)  # a client that returns with its ticket has already been charged
    send = _authorize_message(request, destination, now)
    with services.database.write() as db:
        return services.verification.start(db, destination, locale, send=send, now=now)


def resend_code(request: Request, verification_id: UUID, client_secret: str) -> VerificationStarted:
    """Send a new code for a verification. The previous code becomes invalid.

    Raises:
        UnknownVerification, VerificationEnded, ResendTooSoon: as for `VerificationService.resend`.
        OverBudget: the client reached a rate limit.
    """
    services, now = services_of(request), services_of(request).clock()
    with services.database.read() as db:
        destination = services.verification.resend_destination(db, verification_id, client_secret, now=now)
    services.action_limiter.charge_code_request(
        client_address_of(request), destination.limit_subject, solution=_verify_solution(request, now), now=now
    )
    send = _authorize_message(request, destination, now)
    with services.database.write() as db:
        return services.verification.resend(db, verification_id, client_secret, send=send, now=now)


def confirm_code(
    request: Request,
    verification_id: UUID,
    client_secret: str,
    code: str,
    find_session_token: Callable[[Session], str | None],
) -> VerificationConfirmed | WrongCode:
    """Check a code, and create a session or add the identifier to an existing one.

    Args:
        request: the client's request.
        verification_id: the verification.
        client_secret: its secret.
        code: as the person typed it.
        find_session_token: returns the token of the session to add the identifier to, or None.

    Raises:
        UnknownVerification, VerificationEnded, NotSignedIn, TooManyIdentifiers: as for `VerificationService.confirm`.
        OverBudget: the client reached a rate limit.
        DependencyUnavailable: the service's limit of wrong codes is reached, or a dependency failed. This consumes neither an attempt nor the code.
    """
    services, now = services_of(request), services_of(request).clock()
    with services.action_limiter.attempt_code(client_address_of(request), now=now) as attempt:
        with services.database.write() as db:
            outcome = services.verification.confirm(
                db, verification_id, client_secret, code, token=find_session_token(db), now=now
            )
        if isinstance(outcome, WrongCode):
            attempt.record_failure(outcome.destination.limit_subject)
        else:
            attempt.record_success(outcome.destination.limit_subject)
    services.metrics.count_code_attempt(is_correct=isinstance(outcome, VerificationConfirmed))
    return outcome


def _verify_solution(request: Request, now: datetime) -> VerifiedSolution | None:
    """Return the proof-of-work solution of the request header, if it is valid."""
    return services_of(request).proof_of_work.verify(request.headers.get(PROOF_OF_WORK_HEADER, ""), now=now)


def _authorize_message(request: Request, destination: Destination, now: datetime) -> bool:
    """Charge a message to the rate limits, report a canary hit, and return whether to send. A canary gets no message, but the same response."""
    services, asker = services_of(request), client_address_of(request)
    send = services.action_limiter.charge_message(asker, destination.limit_subject, now=now)
    canary_of = services.canaries.find_incident(destination.kind, destination.address)
    if canary_of is None:
        return send
    services.canary_alerter.report_hit(CanaryHit(now, asker, destination.channel, canary_of))
    return False

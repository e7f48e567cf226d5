"""Asking for a code and confirming it, for every face: the budgets around the unit of work, in a transaction of their own, so that a rollback refunds
no attempt and no lock is held while they wait for their store."""

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
from app.verification import VerificationConfirmed, VerificationStarted, Destination, WrongCode, parse_destination

PROOF_OF_WORK_HEADER, QUEUE_TICKET_HEADER = "Proof-Of-Work", "Queue-Ticket"


def start_verification(request: Request, channel: Channel, identifier: str, locale: Locale, ticket: str | None) -> VerificationStarted:
    """Ask for a code.

    Args:
        request: asks for it.
        channel: that reaches the identifier.
        identifier: as it was typed.
        locale: of the message.
        ticket: of a place in the queue, where the client has one.

    Raises:
        InvalidIdentifier: it cannot be one of this channel.
        OverBudget: a budget of the client is spent.
        Crowded: there are more new journeys than the service carries.
    """
    services, now, asker = services_of(request), services_of(request).clock(), client_address_of(request)
    destination = parse_destination(channel, identifier, services.sms_countries)
    if not services.waiting_room.redeem_ticket(ticket, now=now):
        services.action_limiter.charge_code_request(asker, destination.limit_subject, solution=_proof(request, now), now=now)
        services.waiting_room.enter(now=now)  # whoever comes back with its ticket has been charged
    send = _may_send(request, destination, now)
    with services.database.write() as session:
        return services.verification.start(session, destination, locale, send=send, now=now)


def resend_code(request: Request, number: UUID, client_secret: str) -> VerificationStarted:
    """Ask for another code.

    Raises:
        UnknownVerification, VerificationEnded, ResendTooSoon: there is none to be had.
        OverBudget: a budget of the client is spent.
    """
    services, now = services_of(request), services_of(request).clock()
    with services.database.read() as session:
        destination = services.verification.resend_destination(session, number, client_secret, now=now)
    services.action_limiter.charge_code_request(client_address_of(request), destination.limit_subject, solution=_proof(request, now), now=now)
    send = _may_send(request, destination, now)
    with services.database.write() as session:
        return services.verification.resend(session, number, client_secret, send=send, now=now)


def confirm_code(
    request: Request, number: UUID, client_secret: str, code: str, token: Callable[[Session], str | None]
) -> VerificationConfirmed | WrongCode:
    """Confirm a code.

    Args:
        request: asks for it.
        number: of the verification.
        client_secret: that belongs to it.
        code: as it was typed.
        token: finds the session that the identifier is added to, where there is one.

    Raises:
        UnknownVerification, VerificationEnded, NotSignedIn, TooManyIdentifiers: as for `VerificationService.confirm`.
        OverBudget: a budget of the client is spent.
        DependencyUnavailable: the service's budget of wrong codes is spent, or something failed; neither try nor code is.
    """
    services, now = services_of(request), services_of(request).clock()
    with services.action_limiter.attempt_code(client_address_of(request), now=now) as attempt:
        with services.database.write() as session:
            outcome = services.verification.confirm(session, number, client_secret, code, token=token(session), now=now)
        if isinstance(outcome, WrongCode):
            attempt.record_failure(outcome.destination.limit_subject)
        else:
            attempt.record_success(outcome.destination.limit_subject)
    services.metrics.count_code_attempt(is_correct=isinstance(outcome, VerificationConfirmed))
    return outcome


def _proof(request: Request, now: datetime) -> VerifiedSolution | None:
    return services_of(request).proof_of_work.verify(request.headers.get(PROOF_OF_WORK_HEADER, ""), now=now)


def _may_send(request: Request, destination: Destination, now: datetime) -> bool:
    """Say whether a code may be sent: never to a canary, whose answer is like everybody's."""
    services, asker = services_of(request), client_address_of(request)
    send = services.action_limiter.charge_message(asker, destination.limit_subject, now=now)
    canary_of = services.canaries.find_incident(destination.kind, destination.address)
    if canary_of is None:
        return send
    services.canary_alerter.report_hit(CanaryHit(now, asker, destination.channel, canary_of))
    return False

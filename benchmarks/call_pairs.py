"""Pairs of calls whose responses must be indistinguishable, with the requests of either side."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from uuid import uuid4

from benchmarks.deployment import Deployment
from benchmarks.load import format_request

BLOCKED_COUNT = 100
"""Targets whose limit is used up beforehand."""
UNREACHABLE_COUNT = BLOCKED_COUNT + 100
"""The blocked targets and those that opted out of codes."""

Verification = tuple[str, str]
"""Id and client secret of a verification."""
NextRequest = Callable[[], tuple[str, str | None]]
"""Returns the next request of one side, and the target that a code is sent to; None if no code is sent."""


@dataclass(frozen=True, slots=True)
class CallPair:
    """Two kinds of calls whose responses must be indistinguishable."""

    name: str
    status: int
    first: NextRequest
    second: NextRequest


class Targets:
    """Endless cycles of identifiers to request codes for. Those outside the data set are as many and as long as those in it."""

    def __init__(self, deployment: Deployment) -> None:
        holders = _of_usual_length(deployment.holder_phones)
        recipients = _of_usual_length(deployment.recipient_phones)
        in_data_set = {*deployment.holder_phones, *deployment.recipient_phones, *deployment.holder_emails}
        phones = [f"+8210{secrets.randbelow(10**8):08}" for _ in holders]
        emails = [_with_next_letter(email) for email in deployment.holder_emails]
        self.to_block = holders[:BLOCKED_COUNT]
        self.to_opt_out = holders[BLOCKED_COUNT:UNREACHABLE_COUNT]
        self.blocked, self.opted_out = cycle(self.to_block), cycle(self.to_opt_out)
        self.hits, self.recipients = cycle(holders[UNREACHABLE_COUNT:]), cycle(recipients)
        self.misses = cycle(phone for phone in phones if phone not in in_data_set)
        self.email_hits = cycle(deployment.holder_emails)
        self.email_misses = cycle(email for email in emails if email not in in_data_set)


def _of_usual_length(phones: Sequence[str]) -> list[str]:
    return [phone for phone in phones if len(phone) == len("+821012345678")]


def _with_next_letter(email: str) -> str:
    """Return *email* with its first letter replaced by the next one of the alphabet."""
    return chr((ord(email[0]) - ord("a") + 1) % 26 + ord("a")) + email[1:]


def code_request(target: str, channel: str | None = None) -> str:
    """Return a request for a code."""
    channel = channel or ("email" if "@" in target else "sms")
    return format_request("POST", "/v1/verifications", {"channel": channel, "identifier": target})


def code_requests(targets: Iterator[str], *, sent: bool = True, channel: str | None = None) -> NextRequest:
    """Request codes for *targets*, which are *sent* or not."""

    def next_request() -> tuple[str, str | None]:
        target = next(targets)
        return code_request(target, channel), target if sent else None

    return next_request


def wrong_code_requests(verifications: Sequence[Verification]) -> NextRequest:
    """Confirm *verifications* in turn with wrong codes."""
    turns = cycle(verifications)

    def next_request() -> tuple[str, str | None]:
        verification_id, secret = next(turns)
        return verification_request("confirm", verification_id, secret), None

    return next_request


def verification_request(call: str, verification_id: object, secret: str, code: str | None = None) -> str:
    """Return a request to confirm or resend a verification."""
    body = {"client_secret": secret}
    if call == "confirm":
        body["code"] = code or f"{secrets.randbelow(10**8):08}"
    return format_request("POST", f"/v1/verifications/{verification_id}/{call}", body)


def unknown_id_requests(call: str, count: int) -> NextRequest:
    """Name *count* verifications that do not exist, in turn."""
    return wrong_secret_requests(call, [(str(uuid4()), "") for _ in range(count)])


def wrong_secret_requests(call: str, verifications: Sequence[Verification]) -> NextRequest:
    """Name other people's *verifications* in turn, with wrong secrets.

    The work done here before a request must be the same on both sides of a pair: the server is still finishing the previous request, so a client that
    sends some microseconds later is answered sooner.
    """
    turns = cycle(verifications)
    return lambda: (verification_request(call, next(turns)[0], secrets.token_urlsafe(32)), None)


def value_check_requests(token: str, kind: str, value: str) -> NextRequest:
    """Check one value against the records of a session, repeatedly."""
    text = format_request("POST", "/v1/exposures/check", {"kind": kind, "value": value}, token)
    return lambda: (text, None)

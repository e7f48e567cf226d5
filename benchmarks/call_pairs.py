"""Calls that must look alike, two by two: what is asked on either side, and of whom."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from uuid import uuid4

from benchmarks.deployment import Deployment
from benchmarks.load import format_request

BLOCKED = 100
"""Targets whose budget is spent beforehand."""
SILENT = BLOCKED + 100
"""With those whose owners want no codes."""

Started = tuple[str, str]
"""Id and client secret of a verification."""
Ask = Callable[[], tuple[str, str | None]]
"""Gives the next request of one side, and whom a code is sent to by it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two kinds of calls that must look alike."""

    what: str
    status: int
    one: Ask
    other: Ask


class Targets:
    """Whom codes are asked for, in turn: as many who are not in the data set as are, and all spelled in as many letters."""

    def __init__(self, deployment: Deployment) -> None:
        holders, recipients = (_usual(phones) for phones in (deployment.holder_phones, deployment.recipient_phones))
        known = {*deployment.holder_phones, *deployment.recipient_phones, *deployment.holder_emails}
        phones = [f"+8210{secrets.randbelow(10**8):08}" for _ in holders]
        emails = [chr((ord(one[0]) - ord("a") + 1) % 26 + ord("a")) + one[1:] for one in deployment.holder_emails]
        self.to_block, self.to_stop, open_to_all = holders[:BLOCKED], holders[BLOCKED:SILENT], holders[SILENT:]
        self.blocked, self.stopped = cycle(self.to_block), cycle(self.to_stop)
        self.hits, self.recipients = cycle(open_to_all), cycle(recipients)
        self.misses = cycle(one for one in phones if one not in known)
        self.emails, self.other_emails = cycle(deployment.holder_emails), cycle(one for one in emails if one not in known)


def _usual(phones: Sequence[str]) -> list[str]:
    return [one for one in phones if len(one) == len("+821012345678")]


def ask_for(target: str, channel: str | None = None) -> str:
    """Write a request for a code."""
    channel = channel or ("email" if "@" in target else "sms")
    return format_request("POST", "/v1/verifications", {"channel": channel, "identifier": target})


def asking(targets: Iterator[str], *, sent: bool = True, channel: str | None = None) -> Ask:
    """Ask for codes, which are *sent* or not."""

    def ask() -> tuple[str, str | None]:
        target = next(targets)
        return ask_for(target, channel), target if sent else None

    return ask


def guessing(started: Sequence[Started]) -> Ask:
    """Confirm with codes that are none, in turn."""
    turns = cycle(started)

    def ask() -> tuple[str, str | None]:
        number, secret = next(turns)
        return calling("confirm", number, secret), None

    return ask


def calling(call: str, number: object, secret: str, code: str | None = None) -> str:
    """Write a request about a verification."""
    body = {"client_secret": secret}
    if call == "confirm":
        body["code"] = code or f"{secrets.randbelow(10**8):08}"
    return format_request("POST", f"/v1/verifications/{number}/{call}", body)


def of_nobody(call: str, count: int) -> Ask:
    """Name *count* verifications that are not there, in turn."""
    return of_others(call, [(str(uuid4()), "") for _ in range(count)])


def of_others(call: str, started: Sequence[Started]) -> Ask:
    """Name others' verifications, in turn, without their secrets.

    What is done here before a request goes out must be the same on both sides of a pair: the server still works on the one before, so whoever asks
    some microseconds later is answered sooner.
    """
    turns = cycle(started)
    return lambda: (calling(call, next(turns)[0], secrets.token_urlsafe(32)), None)


def checking(token: str, kind: str, value: str) -> Ask:
    """Hold one value against the records of a session, over and over."""
    written = format_request("POST", "/v1/exposures/check", {"kind": kind, "value": value}, token)
    return lambda: (written, None)

"""What those in the simulation do: a call, some calls at once, or waiting; and how a call goes over the wire."""

import json
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection
from typing import Any

IDLE = 2.0
"""Seconds after which a connection is opened anew: the server hangs up after five."""


@dataclass(frozen=True)
class Call:
    """One call, from an address that the trusted proxy names."""

    source: str
    method: str
    path: str
    body: object = None
    token: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    content: bytes

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON of it; empty where there is none."""
        if not self.content:
            return {}
        read: dict[str, Any] = json.loads(self.content)
        return read

    @property
    def problem(self) -> str:
        """What kind of problem it is, and whose budget was spent where it says so."""
        kind = str(self.body.get("type", self.status)).rpartition("/")[2]
        budget = self.headers.get("ratelimit", "").partition(";")[0].strip('"')
        return f"{kind} ({budget})" if self.status == 429 else kind


Step = Call | Sequence[Call] | float
"""A call, calls at once, or seconds of waiting."""

Actor = Generator[Step, Any, None]
"""Is sent the `Answer` of its call, or the list of them."""


class Line:
    """A kept connection to the server, through the test proxy: forged addresses stand in `X-Forwarded-For`."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self._used = 0.0

    def send(self, call: Call) -> Answer:
        """Make a call."""
        headers = {"X-Forwarded-For": call.source, **call.headers}
        if call.token is not None:
            headers["Authorization"] = f"Bearer {call.token}"
        content = None
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(call.body).encode()
        if time.monotonic() - self._used > IDLE:
            self._connection.close()
        self._connection.request(call.method, call.path, content, headers)
        response = self._connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        self._used = time.monotonic()
        return Answer(response.status, named, response.read())

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def asking(source: str, identifier: str) -> Call:
    """Ask for a code."""
    channel = "email" if "@" in identifier else "sms"
    return Call(source, "POST", "/v1/verifications", {"channel": channel, "identifier": identifier})


def resending(source: str, asked: Mapping[str, Any]) -> Call:
    """Ask for another code of a verification."""
    body = {"client_secret": asked["client_secret"]}
    return Call(source, "POST", f"/v1/verifications/{asked['id']}/resend", body)


def confirming(source: str, asked: Mapping[str, Any], code: str, token: str | None = None) -> Call:
    """Try a code."""
    body = {"code": code, "client_secret": asked["client_secret"]}
    return Call(source, "POST", f"/v1/verifications/{asked['id']}/confirm", body, token)

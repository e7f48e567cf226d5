"""The API calls of the simulation, and the HTTP client that sends them through the trusted test proxy."""

import json
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection
from typing import Any

MAX_IDLE_SECONDS = 2.0
"""After this time a connection is reopened: the server closes idle ones after five seconds."""


@dataclass(frozen=True)
class ApiCall:
    """One call, from a client address that the trusted proxy forwards."""

    client_ip: str
    method: str
    path: str
    body: object = None
    token: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ApiResponse:
    """The response to a call."""

    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    content: bytes

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as JSON; empty if there is none."""
        if not self.content:
            return {}
        body: dict[str, Any] = json.loads(self.content)
        return body

    @property
    def problem_name(self) -> str:
        """The kind of problem, with the name of the rate limit for a 429."""
        kind = str(self.json.get("type", self.status)).rpartition("/")[2]
        limit_name = self.headers.get("ratelimit", "").partition(";")[0].strip('"')
        return f"{kind} ({limit_name})" if self.status == 429 else kind


Step = ApiCall | Sequence[ApiCall] | float
"""A call, calls to send in parallel, or seconds to wait."""

Script = Generator[Step, Any, None]
"""The behaviour of a participant. It yields steps and is sent the `ApiResponse` of each call, or the list of them."""


class ProxyConnection:
    """A persistent connection to the server that acts as the test proxy: it sends forged addresses in `X-Forwarded-For`."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self._last_used_at = 0.0

    def send(self, call: ApiCall) -> ApiResponse:
        """Send a call and return its response."""
        headers = {"X-Forwarded-For": call.client_ip, **call.headers}
        if call.token is not None:
            headers["Authorization"] = f"Bearer {call.token}"
        content = None
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(call.body).encode()
        if time.monotonic() - self._last_used_at > MAX_IDLE_SECONDS:
            self._connection.close()
        self._connection.request(call.method, call.path, content, headers)
        response = self._connection.getresponse()
        response_headers = {name.lower(): value for name, value in response.getheaders()}
        self._last_used_at = time.monotonic()
        return ApiResponse(response.status, response_headers, response.read())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def code_request(client_ip: str, identifier: str) -> ApiCall:
    """Return a call that requests a code."""
    channel = "email" if "@" in identifier else "sms"
    return ApiCall(client_ip, "POST", "/v1/verifications", {"channel": channel, "identifier": identifier})


def resend_request(client_ip: str, verification: Mapping[str, Any]) -> ApiCall:
    """Return a call that requests a resend."""
    body = {"client_secret": verification["client_secret"]}
    return ApiCall(client_ip, "POST", f"/v1/verifications/{verification['id']}/resend", body)


def confirm_request(client_ip: str, verification: Mapping[str, Any], code: str, token: str | None = None) -> ApiCall:
    """Return a call that tries a code."""
    body = {"code": code, "client_secret": verification["client_secret"]}
    return ApiCall(client_ip, "POST", f"/v1/verifications/{verification['id']}/confirm", body, token)

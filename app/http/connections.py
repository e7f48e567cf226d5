"""Limits on connections, below HTTP: how many may be open, and how long a client may take to send a request.

Request limits count what a request does. Half a request does nothing and was never counted, and held its connection for ever.
"""

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Literal, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from app.http.services import Services
from app.rate_limits import client_address_from_ip

Phase = Literal["headers", "body", "response"]
Refusal = Literal["headers", "body", "response", "address", "total"]
"""A deadline that passed, or a number of connections that was reached."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of one server process."""

    total: int
    per_address: int
    headers_seconds: float = 10.0
    """From the opening of the connection, or the previous response, to the end of the headers. A slow phone needs under a second for 1 KiB."""
    body_seconds: float = 10.0
    """From the end of the headers to the end of the body, which has at most 64 KiB."""
    response_seconds: float = 60.0
    """From the end of the request to the end of the response, which the client must read. Dependencies time out after a few seconds."""

    def seconds(self, phase: Phase) -> float:
        """Return the deadline of a phase."""
        return {"headers": self.headers_seconds, "body": self.body_seconds, "response": self.response_seconds}[phase]


class ConnectionGuard:
    """Counts the open connections of one server process, in all and by client address.

    Args:
        limits: when to refuse.
        trusted_proxies: networks of proxies. Their connections carry many clients, so only the total counts.
    """

    def __init__(self, limits: ConnectionLimits, trusted_proxies: Collection[IPv4Network | IPv6Network] = ()) -> None:
        self.limits = limits
        self._trusted_proxies = tuple(trusted_proxies)
        self._open = Counter[str]()

    @property
    def protocol(self) -> type[asyncio.Protocol]:
        """The protocol class for uvicorn."""
        return cast("type[asyncio.Protocol]", partial(GuardedProtocol, guard=self))

    def add(self, host: str) -> tuple[str, Refusal | None]:
        """Count a connection; return the key to `remove` it by, and which number was reached, if one was."""
        key = "proxy" if self._is_trusted(host) else client_address_from_ip(host).client
        refusal: Refusal | None = None
        if self._open.total() >= self.limits.total:
            refusal = "total"
        elif key != "proxy" and self._open[key] >= self.limits.per_address:
            refusal = "address"
        self._open[key] += 1
        return key, refusal

    def remove(self, key: str) -> None:
        """Uncount a connection."""
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]

    def _is_trusted(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._trusted_proxies)


class GuardedProtocol(H11Protocol):
    """uvicorn's HTTP protocol with deadlines. Bytes do not extend a deadline, so one byte a second does not help a client.

    A timer always runs: until the headers are complete, then until the body is, then until the response is sent.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        guard: ConnectionGuard,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._guard = guard
        self._key: str | None = None
        self._phase: Phase | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in H11Protocol
        """Count the connection; refuse it if too many are open."""
        super().connection_made(transport)
        self._key, refusal = self._guard.add(self.client[0] if self.client else "")
        if refusal is None:
            self._enter_phase("headers")
        else:
            self._refuse(refusal, b"503 Service Unavailable\r\nretry-after: 5")

    def connection_lost(self, exc: Exception | None) -> None:
        """Uncount the connection."""
        if self._timer is not None:
            self._timer.cancel()
        if self._key is not None:
            self._guard.remove(self._key)
            self._key = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Start the next deadline if the data completed a part of the request."""
        super().data_received(data)
        phase = self._current_phase()
        if phase != self._phase:
            self._enter_phase(phase)

    def on_response_complete(self) -> None:
        """Start the deadline of the next request; also of sending this response, if the client does not read it."""
        super().on_response_complete()
        self._enter_phase(self._current_phase())

    def _current_phase(self) -> Phase:
        if self.conn.their_state is h11.IDLE:
            return "headers"
        return "body" if self.conn.their_state is h11.SEND_BODY else "response"

    def _enter_phase(self, phase: Phase) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._phase = phase
        self._timer = self.loop.call_later(self._guard.limits.seconds(phase), self._end_late, phase)

    def _end_late(self, phase: Phase) -> None:
        self._refuse(phase, b"408 Request Timeout")

    def _refuse(self, refusal: Refusal, status: bytes) -> None:
        """Close the connection, with a response if none is under way."""
        services: Services = cast("Any", self.app).state.services
        services.metrics.count_refused_connection(refusal)
        is_answering = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if self.cycle is not None:
            self.cycle.disconnected = True  # the application's response is dropped
        if not self.transport.is_closing() and not is_answering:
            self.transport.write(
                b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-length: 0\r\ncache-control: no-store\r\n\r\n" % status
            )
        self.transport.close()
        if self.transport.get_write_buffer_size():  # the client does not read, so `close` would wait for it
            self.transport.abort()

"""Requests that no client library would send: any method, path, header and body, straight to the application."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import Message

from tests.support.asgi_client import event_loop

RawHeaders = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response of the application."""

    status: int
    headers: Headers
    body: bytes


def raw_request(
    app: FastAPI,
    method: str,
    path: str,
    *,
    query: bytes = b"",
    headers: RawHeaders = (),
    body: bytes = b"",
    host: bytes = b"127.0.0.1",
    peer: str = "127.0.0.1",
) -> RawResponse:
    """Send one request. *path* is already decoded, as a server passes it on."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": query,
        "root_path": "",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": (peer, 50000),
        "headers": [(b"host", host), *headers],
        "state": {},
    }
    received: list[Message] = []

    async def send(message: Message) -> None:
        received.append(message)

    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return pending.pop() if pending else {"type": "http.disconnect"}

    asyncio.run_coroutine_threadsafe(app(scope, receive, send), event_loop()).result()
    content = b"".join(message.get("body", b"") for message in received)
    return RawResponse(received[0]["status"], Headers(raw=list(received[0]["headers"])), content)

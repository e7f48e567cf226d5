"""A synchronous HTTP client that calls the application in this process, without a socket. Use `running_server` where the wire matters."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import httpx
from fastapi import FastAPI


@contextmanager
def asgi_client(app: FastAPI) -> Iterator[httpx.Client]:
    """Yield a client of *app*. The application's background threads do not run."""
    with httpx.Client(transport=asgi_transport(app), base_url="http://127.0.0.1", trust_env=False) as client:
        yield client


def asgi_transport(app: FastAPI) -> httpx.BaseTransport:
    """Return a transport for a synchronous client of *app*."""
    return _LoopTransport(app)


class _LoopTransport(httpx.BaseTransport):
    """Runs each request on one event loop that a thread of its own serves, so that threads of a test can call at once."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 50000))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(self._send(request), event_loop()).result()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        content = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=content)


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="asgi", daemon=True).start()
    return loop

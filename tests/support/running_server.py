"""The application on a real socket, in a thread of the test process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import httpx
import uvicorn
from fastapi import FastAPI

from app.cli.uvicorn_runner import listen
from app.http.connections import ConnectionGuard, ConnectionLimits


@contextmanager
def running_server(
    app: FastAPI, lifespan: Literal["on", "off"] = "off", *, guard: ConnectionGuard | None = None
) -> Iterator[httpx.Client]:
    """Serve *app* and yield a client for it. With *lifespan* off, the application's background threads do not run."""
    config = uvicorn.Config(
        app,
        lifespan=lifespan,
        http=(guard or ConnectionGuard(ConnectionLimits(900, 900))).protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.005)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()

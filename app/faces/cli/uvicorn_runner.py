"""Running the server, and saying when it answers."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Protocol

import httpx
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from app import cpu_affinity
from app.config import Settings
from app.delivery import Sender
from app.errors import InvalidInput
from app.faces.cli.output import emit
from app.faces.http.metrics import multiprocess_metrics

READY_WITHIN = 60.0
BACKLOG = 2048


class CreateApp(Protocol):
    """`app.main.create_app`, handed down."""

    def __call__(self, settings: Settings, *, keyholder_socket: Path, sender: Sender, workers: int) -> FastAPI:
        """Build the application."""


def run_server(
    create_app: CreateApp,
    settings: Settings,
    keyholder_socket: Path,
    sender: Callable[[], Sender],
    *,
    host: str,
    port: int,
    workers: int = 1,
    as_json: bool,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serve until told to stop; says so once a first request is answered.

    Args:
        create_app: builds the application, in each worker.
        settings: read and checked.
        keyholder_socket: the keyholder's lookup socket.
        sender: makes the sender, in each worker.
        host: address to listen at.
        port: 0 takes a free one.
        workers: processes.
        as_json: how readiness is said.
        ready: what to do then, instead of saying so.

    Raises:
        InvalidInput: the address is taken.
    """
    listening = listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{listening.getsockname()[1]}"
    say = ready or (lambda url: emit({"event": "ready", "url": url}, f"the service answers at {url}", as_json=as_json))
    config = uvicorn.Config(
        partial(_build_pinned_app, create_app, settings, keyholder_socket, sender, workers),
        factory=True,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # app.main believes the proxies that the settings name, and no others
        timeout_graceful_shutdown=10,
    )
    threading.Thread(target=_say_when_ready, args=(url, say), daemon=True).start()
    with listening:
        if workers > 1:
            with multiprocess_metrics() if settings.metrics_token else nullcontext():
                Multiprocess(config, sockets=[listening]).run()
        else:
            uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """Open the socket to listen at.

    Raises:
        InvalidInput: the address is taken, or none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named because asyncio sends small answers at once (TCP_NODELAY) only where it is: 40 ms for each call
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise InvalidInput(f"--host, --port: cannot listen there ({error.strerror})") from None
    return listening


def _build_pinned_app(
    create_app: CreateApp, settings: Settings, keyholder_socket: Path, sender: Callable[[], Sender], workers: int
) -> FastAPI:
    cpu_affinity.pin_to_core()
    return create_app(settings, keyholder_socket=keyholder_socket, sender=sender(), workers=workers)


def _say_when_ready(url: str, say: Callable[[str], object]) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/healthz", trust_env=False).status_code == httpx.codes.OK:
                say(url)
                return
        except httpx.TransportError:
            time.sleep(0.05)

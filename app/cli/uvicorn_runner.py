"""Run the uvicorn server, and report when it answers."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import ChangeReload, Multiprocess

from app import cpu_affinity
from app.bootstrap import create_app
from app.cli.output import emit
from app.config import Settings
from app.delivery import Sender
from app.errors import InvalidInput
from app.http.connections import ConnectionGuard, ConnectionLimits
from app.http.metrics import multiprocess_metrics

READY_TIMEOUT_SECONDS = 60.0
BACKLOG = 2048
PACKAGE = Path(__file__).parents[1]


def run_server(
    settings: Settings,
    keyholder_socket: Path,
    sender: Callable[[], Sender],
    *,
    host: str,
    port: int,
    workers: int = 1,
    as_json: bool,
    on_ready: Callable[[str], object] | None = None,
    is_development: bool = False,
) -> None:
    """Serve until a signal stops the process. Report when the first request is answered.

    Args:
        settings: of the application.
        keyholder_socket: the keyholder's lookup socket.
        sender: creates the sender in each worker.
        host: address to listen at.
        port: 0: any free port.
        workers: number of processes.
        as_json: print JSON instead of text.
        on_ready: called with the URL once the server answers; by default the URL is printed.
        is_development: restart when the code changes, and print tracebacks.

    Raises:
        InvalidInput: the address is in use.
    """
    listener = listen(host, port)
    url_host = f"[{host}]" if ":" in host else host
    url = f"http://{url_host}:{listener.getsockname()[1]}"
    report = on_ready or partial(_print_ready, as_json=as_json)
    config = uvicorn.Config(
        partial(_build_pinned_app, settings, keyholder_socket, sender, workers, is_development),
        factory=True,
        http=ConnectionGuard(
            ConnectionLimits(settings.max_connections, settings.max_connections_per_address),
            settings.trusted_networks,
        ).protocol,
        ws="none",
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # app.bootstrap handles the trusted proxies of the settings
        timeout_graceful_shutdown=10,
        timeout_worker_healthcheck=int(
            READY_TIMEOUT_SECONDS
        ),  # by default a worker that imports for 5 s is killed, again and again
    )
    threading.Thread(target=_report_when_ready, args=(url, report), daemon=True).start()
    with listener:
        if is_development:
            config.reload_dirs = [PACKAGE]  # uvicorn sets it only for an application that is named by a string
            ChangeReload(config, uvicorn.Server(config).run, [listener]).run()
        elif workers > 1:
            with multiprocess_metrics() if settings.metrics_token else nullcontext():
                Multiprocess(config, sockets=[listener]).run()
        else:
            uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Open a listening TCP socket.

    Raises:
        InvalidInput: the address is in use, or is not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only if the protocol is named; without it each call takes 40 ms longer
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise InvalidInput(f"--host, --port: cannot listen there ({error.strerror})") from None
    return listener


def _build_pinned_app(
    settings: Settings,
    keyholder_socket: Path,
    sender: Callable[[], Sender],
    workers: int,
    print_tracebacks: bool = False,
) -> FastAPI:
    cpu_affinity.pin_to_core()
    return create_app(
        settings,
        keyholder_socket=keyholder_socket,
        sender=sender(),
        workers=workers,
        print_tracebacks=print_tracebacks,
    )


def _print_ready(url: str, *, as_json: bool) -> None:
    emit({"event": "ready", "url": url}, f"the service answers at {url}", as_json=as_json)


def _report_when_ready(url: str, report: Callable[[str], object]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/healthz", trust_env=False).status_code == httpx.codes.OK:
                report(url)
                return
        except httpx.TransportError:
            time.sleep(0.05)

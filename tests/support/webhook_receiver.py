"""A real HTTP server that keeps what is posted to it."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class WebhookReceiver:
    """What came, and what is answered: the statuses of the next ones, then 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def events(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]


@contextmanager
def webhook_receiver(*statuses: int) -> Iterator[WebhookReceiver]:
    """Listen on this machine."""
    got = WebhookReceiver(statuses=list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.headers.append({name.lower(): value for name, value in self.headers.items()})
            got.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(got.statuses.pop(0) if got.statuses else 204)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        got.url = f"http://127.0.0.1:{server.server_address[1]}/alarms?token=secret-of-the-address"
        try:
            yield got
        finally:
            server.shutdown()
            thread.join()

"""A real HTTP server that records the webhook requests it receives."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class WebhookReceiver:
    """The requests received so far, and the statuses of the next responses; after those, 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def events(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]


@contextmanager
def webhook_receiver(*statuses: int) -> Iterator[WebhookReceiver]:
    """Run a receiver on 127.0.0.1."""
    receiver = WebhookReceiver(statuses=list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
            receiver.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/alerts?token=secret-of-the-address"
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()

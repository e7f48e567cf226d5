"""The keyholder's own process: the one place where a pepper is in memory."""

import os
import socket
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from app.crypto.key_files import load
from app.crypto.keys import Pepper
from app.errors import InvalidInput
from app.keyholder.protocol import DONE, REFUSED, KeyholderSocket, Request, import_socket_path, parse, receive, send


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, door: KeyholderSocket, pepper: Pepper) -> None:
        self.door, self.pepper = door, pepper
        super().__init__(str(path), _Handler)


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        """Answer until the caller leaves."""
        while True:
            try:
                payload = receive(self.request)
                send(self.request, self._answer(parse(payload)) if payload else DONE)
            except OSError:
                return

    def _answer(self, asked: Request | None) -> bytes:
        if asked is None or not self.server.door.admits(asked):
            return REFUSED
        headed = HMAC(self.server.pepper.reveal(), SHA256())
        headed.update(asked.heading)
        answer = [DONE]
        for text in asked.texts:
            one = headed.copy()
            one.update(text)
            answer.append(one.finalize())
        return b"".join(answer)


def _remove_stale(place: Path) -> None:
    if not place.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(1.0)
        try:
            caller.connect(str(place))
        except ConnectionRefusedError:
            place.unlink()
        else:
            raise InvalidInput(f"{place}: somebody answers there already")


def serve(path: Path, pepper_file: Path, doors: tuple[KeyholderSocket, ...] = tuple(KeyholderSocket), *, on_ready: Callable[[], object]) -> None:
    """Hold the pepper and answer at *path* (and at ``PATH.import``) until the process ends.

    Args:
        path: the lookup door's socket; mode 0600, so only this user and root come in. One that nobody listens at any more is replaced.
        pepper_file: 32 bytes, read once.
        doors: which to open.
        ready: called once the doors are open.
    Raises:
        InvalidKey: the pepper cannot be used.
        InvalidInput: the socket cannot be made there.
    """
    pepper = load(pepper_file, Pepper)
    servers = []
    before = os.umask(0o177)
    try:
        for door in doors:
            place = path if door is KeyholderSocket.LOOKUP else import_socket_path(path)
            _remove_stale(place)
            servers.append(_Server(place, door, pepper))
    except OSError as error:
        raise InvalidInput(f"{path}: the keyholder's socket cannot be made ({error.strerror or error})") from None
    finally:
        os.umask(before)
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    on_ready()
    servers[0].serve_forever()

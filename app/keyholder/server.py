"""The keyholder's server. Its process is the only one that has the pepper in memory."""

import os
import socket
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from app.crypto.key_files import load_key_file
from app.crypto.keys import Pepper
from app.errors import InvalidInput
from app.keyholder.protocol import (
    STATUS_DENIED,
    STATUS_OK,
    KeyholderSocket,
    MacRequest,
    import_socket_path,
    parse_request,
    receive_request,
    require_own_folder,
    send_message,
)

MESSAGE_SECONDS = 10.0
"""Time in which a request must arrive once it has begun, and its answer be taken. A connection without a request may stay open."""

MAX_CONNECTIONS = 256
"""Open connections of one socket. Each has a thread; further ones are closed."""


class _SocketServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, keyholder_socket: KeyholderSocket, pepper: Pepper) -> None:
        self.keyholder_socket, self.pepper = keyholder_socket, pepper
        self._free_connections = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(str(path), _ConnectionHandler)

    def verify_request(self, request: object, client_address: object) -> bool:
        """Return whether another connection may be opened."""
        return self._free_connections.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  as above
        """Serve a connection to its end, and free its place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free_connections.release()


class _ConnectionHandler(socketserver.BaseRequestHandler):
    server: _SocketServer

    def handle(self) -> None:
        """Answer requests until the client closes the connection or stalls."""
        while True:
            try:
                payload = receive_request(self.request, MESSAGE_SECONDS)
                send_message(self.request, self._respond(parse_request(payload)) if payload else STATUS_OK)
            except OSError:
                return

    def _respond(self, request: MacRequest | None) -> bytes:
        if request is None or not self.server.keyholder_socket.allows(request):
            return STATUS_DENIED
        prefix_mac = HMAC(self.server.pepper.reveal(), SHA256())
        prefix_mac.update(request.prefix)
        response = [STATUS_OK]
        for mac_input in request.inputs:
            mac = prefix_mac.copy()
            mac.update(mac_input)
            response.append(mac.finalize())
        return b"".join(response)


def _remove_stale_socket(path: Path) -> None:
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise InvalidInput(f"{path}: another process already listens on this socket")


def serve(
    path: Path,
    pepper_file: Path,
    sockets: tuple[KeyholderSocket, ...] = tuple(KeyholderSocket),
    *,
    on_ready: Callable[[], object],
) -> None:
    """Load the pepper and serve at *path* (and at ``PATH.import``) until the process ends.

    Args:
        path: the lookup socket. It is created with mode 0600, so that only this user and root can connect. A stale socket is replaced.
        pepper_file: 32 bytes, read once.
        sockets: the sockets to open.
        on_ready: called when they are open.
    Raises:
        InvalidKey: the pepper cannot be used.
        InvalidInput: the socket cannot be created, or everybody may write to its folder.
    """
    pepper = load_key_file(pepper_file, Pepper)
    require_own_folder(path)
    servers = []
    previous_umask = os.umask(0o177)
    try:
        for keyholder_socket in sockets:
            socket_path = path if keyholder_socket is KeyholderSocket.LOOKUP else import_socket_path(path)
            _remove_stale_socket(socket_path)
            servers.append(_SocketServer(socket_path, keyholder_socket, pepper))
    except OSError as error:
        raise InvalidInput(f"{path}: the keyholder's socket cannot be created ({error.strerror or error})") from None
    finally:
        os.umask(previous_umask)
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    on_ready()
    servers[0].serve_forever()

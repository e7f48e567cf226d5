"""Client of the keyholder. Every call has a timeout; a failure is `KeyholderUnavailable`, never an empty answer."""

import select
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from app.crypto.framing import frame
from app.crypto.mac_inputs import MAC_BYTES
from app.errors import DependencyUnavailable
from app.keyholder.protocol import MAX_MESSAGE_BYTES, STATUS_DENIED, STATUS_OK, receive_message, send_message

MAX_BATCH_SIZE = 10_000
"""Values in one request. The response is then a third of `MAX_MESSAGE_BYTES`."""


class KeyholderUnavailable(DependencyUnavailable):
    """The keyholder is down, does not respond in time, or denies the request. Nothing that needs a MAC can be answered."""


class KeyholderClient:
    """One connection to one of the keyholder's sockets, shared by the threads of a process and reopened after a failure.

    Args:
        path: the Unix socket. Creating a client opens nothing.
        timeout: seconds that a call may take, including the wait for another thread's call.
    """

    def __init__(self, path: Path, *, timeout: float = 1.0) -> None:
        self._path = path
        self._timeout = timeout
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._connection_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connection_id(self) -> int:
        """Return the number of the current connection; connect first if there is none or the keyholder has closed it.

        What was verified on one connection may not hold on the next, because another keyholder may hold another pepper.
        An open connection is not probed: `ping`, or the next request, notices a keyholder that hangs (decision 0009).

        Raises:
            KeyholderUnavailable: the keyholder cannot be reached.
        """
        with _TimedLock(self._lock, self._timeout):
            if self._socket is None or _peer_closed(self._socket):
                self._handshake()
            return self._connection_id

    def ping(self) -> None:
        """Check that the keyholder responds now.

        Raises:
            KeyholderUnavailable: it does not respond in time.
        """
        with _TimedLock(self._lock, self._timeout):
            self._handshake()

    def mac(self, message: bytes, *, connection_id: int | None = None) -> bytes:
        """Return the MAC of one message, 32 bytes.

        Args:
            message: one of `app.crypto.mac_inputs`.
            connection_id: if given, the connection that must give the answer, from `connection_id()`.

        Raises:
            KeyholderUnavailable: no answer in time, the request was denied, or that connection no longer exists.
        """
        return self._request_macs(message, 1, connection_id)[1:]

    def mac_many(self, prefix: bytes, inputs: Sequence[bytes], *, connection_id: int | None = None) -> bytes:
        """Return the MACs of many inputs under one prefix, 32 bytes each, concatenated in their order. Import socket only.

        Args:
            prefix: one of `app.crypto.mac_inputs`.
            inputs: each of at most 65,535 bytes.
            connection_id: as for `mac`.

        Raises:
            KeyholderUnavailable: as for `mac`.
        """
        batches = _split_into_batches(inputs, MAX_MESSAGE_BYTES - len(prefix))
        return b"".join([self._request_macs(prefix + batch, count, connection_id)[1:] for batch, count in batches])

    def _request_macs(self, request: bytes, count: int, connection_id: int | None) -> bytes:
        with _TimedLock(self._lock, self._timeout):
            if connection_id is not None and (connection_id != self._connection_id or self._socket is None):
                raise KeyholderUnavailable("the keyholder connection was lost")
            response = self._send_request(request, reconnect=connection_id is None)
            if response[:1] != STATUS_OK or len(response) != 1 + count * MAC_BYTES:
                if response != STATUS_DENIED:
                    self.close()
                raise KeyholderUnavailable("the keyholder denies this request")
        return response

    def close(self) -> None:
        """Close the connection. The next call opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _handshake(self) -> None:
        if self._send_request(b"") != STATUS_OK:
            self.close()
            raise KeyholderUnavailable("the socket does not belong to a keyholder")

    def _send_request(self, payload: bytes, *, reconnect: bool = True) -> bytes:
        if self._socket is not None:
            try:
                return self._round_trip(self._socket, payload)
            except TimeoutError:
                raise KeyholderUnavailable("the keyholder does not answer in time") from None
            except OSError:  # closed since the last call: the keyholder may have been restarted
                if not reconnect:
                    raise KeyholderUnavailable("the keyholder connection was lost") from None
        try:
            self._socket = self._connect()
            return self._round_trip(self._socket, payload)
        except OSError:
            raise KeyholderUnavailable("the keyholder cannot be reached") from None

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(self._timeout)
        try:
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        self._connection_id += 1
        return connection

    def _round_trip(self, connection: socket.socket, payload: bytes) -> bytes:
        try:
            send_message(connection, payload)
            return receive_message(connection)
        except BaseException:  # an unread response would be taken for the next request's
            self.close()
            raise


def _peer_closed(connection: socket.socket) -> bool:
    """Return whether the peer closed the connection. Between requests there is nothing to read, except the end of the stream."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


class _TimedLock:
    """A lock acquired within the timeout of a call, so that no queue builds up behind a keyholder that hangs."""

    def __init__(self, lock: threading.Lock, timeout: float) -> None:
        self._lock, self._timeout = lock, timeout

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._timeout):
            raise KeyholderUnavailable("the keyholder does not answer in time")

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _split_into_batches(inputs: Sequence[bytes], max_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Yield framed batches and their sizes. Each fits a request of *max_bytes* bytes, and its response a message."""
    for start in range(0, len(inputs), MAX_BATCH_SIZE):
        batch = inputs[start : start + MAX_BATCH_SIZE]
        framed = frame(*batch)
        if len(framed) <= max_bytes or len(batch) == 1:
            yield framed, len(batch)
        else:  # long inputs: halve the batch until it fits
            middle = len(batch) // 2
            yield from _split_into_batches(batch[:middle], max_bytes)
            yield from _split_into_batches(batch[middle:], max_bytes)

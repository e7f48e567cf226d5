"""Asking the keyholder. Every call is bounded in time; a failure is `KeyholderUnavailable`, never an empty answer."""

import select
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from app.crypto.framing import frame
from app.crypto.mac_inputs import MAC_BYTES
from app.errors import DependencyUnavailable
from app.keyholder.protocol import DONE, REFUSED, REQUEST_LIMIT, receive, send

TEXTS_AT_ONCE = 10_000
"""In one request; its answer is a third of `REQUEST_LIMIT`."""


class KeyholderUnavailable(DependencyUnavailable):
    """The keyholder is dead, hung, or refuses: nothing that needs it can be answered."""


class KeyholderClient:
    """One connection to one door, kept open and shared by the threads of a process; made anew after a failure."""

    def __init__(self, path: Path, *, timeout: float = 1.0) -> None:
        """Know where the door is; nothing is opened yet.

        Args:
            path: the door's Unix socket.
            timeout: seconds that one call may take, waiting for its turn included.
        """
        self._path = path
        self._timeout = timeout
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._connections = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connection_id(self) -> int:
        """Number the connection that a keyholder stands behind. One that died has closed it, and is looked for anew.

        What was learned on one connection need not hold on the next: another keyholder may hold another pepper.
        Nothing is asked where it stands, so one that hangs is noticed by `ping`, and by whoever has a question (decision 0009).

        Raises:
            KeyholderUnavailable: there is none.
        """
        with _Turn(self._lock, self._timeout):
            if self._socket is None or _left(self._socket):
                self._greet()
            return self._connections

    def ping(self) -> None:
        """Make sure that the keyholder answers now.

        Raises:
            KeyholderUnavailable: nobody answers in time.
        """
        with _Turn(self._lock, self._timeout):
            self._greet()

    def mac(self, message: bytes, *, connection_id: int | None = None) -> bytes:
        """Have one message answered: 32 bytes.

        Args:
            message: of `app.crypto.mac_inputs`.
            on: the connection, as `connection` numbered it, that must give the answer.

        Raises:
            KeyholderUnavailable: no answer in time, a refusal, or that connection is no more.
        """
        return self._answer(message, 1, connection_id)[1:]

    def mac_many(self, heading: bytes, texts: Sequence[bytes], *, connection_id: int | None = None) -> bytes:
        """Have many texts under one heading answered, 32 bytes each, in their order: the import door only.

        Args:
            heading: of `app.crypto.mac_inputs`.
            texts: each of at most 65,535 bytes.
            on: as for `mac`.

        Raises:
            KeyholderUnavailable: no answer in time, a refusal, or the connection *on* which it is to be given is no more.
        """
        batches = _batches(texts, REQUEST_LIMIT - len(heading))
        return b"".join([self._answer(heading + batch, count, connection_id)[1:] for batch, count in batches])

    def _answer(self, request: bytes, count: int, connection_id: int | None) -> bytes:
        with _Turn(self._lock, self._timeout):
            if connection_id is not None and (connection_id != self._connections or self._socket is None):
                raise KeyholderUnavailable("the keyholder left meanwhile")
            answer = self._ask(request, again=connection_id is None)
            if answer[:1] != DONE or len(answer) != 1 + count * MAC_BYTES:
                if answer != REFUSED:
                    self.close()
                raise KeyholderUnavailable("the keyholder refuses at this door")
        return answer

    def close(self) -> None:
        """Leave; the next call connects anew."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _greet(self) -> None:
        if self._ask(b"") != DONE:
            self.close()
            raise KeyholderUnavailable("what answers is no keyholder")

    def _ask(self, payload: bytes, *, again: bool = True) -> bytes:
        if self._socket is not None:
            try:
                return self._exchange(self._socket, payload)
            except TimeoutError:
                raise KeyholderUnavailable("the keyholder does not answer in time") from None
            except OSError:  # it left since the last call: a restarted one is asked once more
                if not again:
                    raise KeyholderUnavailable("the keyholder left meanwhile") from None
        try:
            self._socket = self._connect()
            return self._exchange(self._socket, payload)
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
        self._connections += 1
        return connection

    def _exchange(self, connection: socket.socket, payload: bytes) -> bytes:
        try:
            send(connection, payload)
            return receive(connection)
        except BaseException:  # an answer left behind would be taken for the next question's
            self.close()
            raise


def _left(connection: socket.socket) -> bool:
    """Whether the other side is gone: between two questions nothing is to be read, but for an end."""
    watched = select.poll()
    watched.register(connection, select.POLLIN)
    return bool(watched.poll(0))


class _Turn:
    """The lock, waited for no longer than a call may take: behind a hung keyholder no queue builds up."""

    def __init__(self, lock: threading.Lock, timeout: float) -> None:
        self._lock, self._timeout = lock, timeout

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._timeout):
            raise KeyholderUnavailable("the keyholder does not answer in time")

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _batches(texts: Sequence[bytes], limit: int) -> Iterator[tuple[bytes, int]]:
    """Frame as many texts together as a request of *limit* bytes, and its answer, can hold."""
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        batch = texts[start : start + TEXTS_AT_ONCE]
        framed = frame(*batch)
        if len(framed) <= limit or len(batch) == 1:
            yield framed, len(batch)
        else:  # long ones: halve until they fit
            middle = len(batch) // 2
            yield from _batches(batch[:middle], limit)
            yield from _batches(batch[middle:], limit)

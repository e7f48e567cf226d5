"""One HTTP client that does nothing but wait for its answer: how long each takes to the last byte."""

import socket
import time

_AT_ONCE = 65536


class HttpConnection:
    """One connection on loopback, and one request at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, written: str) -> tuple[int, int, bytes]:
        """Send what `benchmarks.load.request` wrote; gives the nanoseconds until all of the answer is there, its status and its body."""
        content = written.encode()
        began = time.perf_counter_ns()
        self._socket.sendall(content)
        answer = b""
        while (missing := _missing(answer)) > 0:
            received = self._socket.recv(missing)
            if not received:
                raise ConnectionError("the server left")
            answer += received
        took = time.perf_counter_ns() - began
        return took, int(answer[9:12]), answer.partition(b"\r\n\r\n")[2]


def _missing(answer: bytes) -> int:
    """Count the bytes of an answer that are still to come; before its headers are there, it may be any number."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return _AT_ONCE
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return int(length or b"0") - len(body)  # a 204 has none

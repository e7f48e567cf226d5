"""A minimal HTTP client that measures the time until the last byte of a response."""

import socket
import time

_MAX_RECEIVE_BYTES = 65536


class HttpConnection:
    """One loopback connection that sends one request at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request_text: str) -> tuple[int, int, bytes]:
        """Send a request from `benchmarks.load.format_request`. Return the nanoseconds until the whole response arrived, its status and its body."""
        content = request_text.encode()
        start = time.perf_counter_ns()
        self._socket.sendall(content)
        response = b""
        while (missing := _count_missing_bytes(response)) > 0:
            received = self._socket.recv(missing)
            if not received:
                raise ConnectionError("the server closed the connection")
            response += received
        elapsed = time.perf_counter_ns() - start
        return elapsed, int(response[9:12]), response.partition(b"\r\n\r\n")[2]


def _count_missing_bytes(response: bytes) -> int:
    """Return how many bytes of a response are still to come; the receive limit while its headers are incomplete."""
    head, end, body = response.partition(b"\r\n\r\n")
    if not end:
        return _MAX_RECEIVE_BYTES
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return int(length or b"0") - len(body)  # a 204 has no content-length

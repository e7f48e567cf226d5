"""Redis is stopped, killed or hung while requests arrive: all are answered, no limit is exceeded, and Redis is used again once it is back.

These tests do not measure time. `benchmarks/redis_outage.py` reports how long the longest answer takes.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.rate_limits import RedisCircuitBreaker
from app.rate_limits.action_limiter import SOFT_LIMIT_SHARE
from app.rate_limits.redis_bucket_store import FALLBACK_DIVISOR
from tests.rate_limits.helpers import RestartableValkey, wait_until
from tests.support.deployment import Deployment
from tests.support.permissive_limits import permissive_limits

pytestmark = pytest.mark.kill

FREE_CODES = 40
"""Codes that a client can request without a proof of work: the soft half of its limit."""
THREADS = 6
METRICS_TOKEN = "a token of the operators"


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

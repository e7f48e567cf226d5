"""Bucket stores in this process, in Valkey, and in a Valkey cluster: the same tests for all."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.rate_limits import (
    ActionLimiter,
    BucketStore,
    ClientAddress,
    MemoryBucketStore,
    RateLimited,
    RateLimitPolicy,
    RedisBucketStore,
    RedisCircuitBreaker,
    client_address_from_ip,
)
from app.rate_limits.blinding import DAY_SECONDS
from app.rate_limits.gcra import Limit, gcra_spend
from app.rate_limits.transaction import Transaction
from tests.support.external_servers import run_valkey_cluster

NOW = 1_764_000_000.0
TEN_PER_MINUTE = Limit(10, 60.0)
_unique_numbers = itertools.count()

BatchStep = tuple[float, float, float, float, bool, bool]


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    with run_valkey_cluster() as url:
        yield url


@pytest.fixture(params=["local", "valkey", "cluster"])
def buckets(request: pytest.FixtureRequest) -> BucketStore:
    if request.param == "local":
        return MemoryBucketStore(b"s" * 32)
    url = request.getfixturevalue("valkey_url" if request.param == "valkey" else "cluster_url")
    return RedisBucketStore(RedisCircuitBreaker(url), b"s" * 32)


@pytest.fixture
def subject() -> bytes:
    """A subject whose buckets are full."""
    return f"subject {next(_unique_numbers)}".encode()


def charge(subject: bytes, limit: Limit = TEN_PER_MINUTE, limit_name: str = "a", **options: Any) -> Transaction:
    return Transaction(limit_name, limit, subject, **options)


def is_allowed(buckets: BucketStore, *transactions: Transaction, now: float = NOW) -> bool:
    return buckets.spend(transactions, now=now).denied is None


def test_a_bucket_empties_and_refills(buckets: BucketStore, subject: bytes) -> None:
    assert [is_allowed(buckets, charge(subject)) for _ in range(11)] == [True] * 10 + [False]
    assert is_allowed(buckets, charge(subject), now=NOW + 6.0)
    assert not is_allowed(buckets, charge(subject), now=NOW + 6.0)
    assert is_allowed(buckets, charge(subject + b"'s neighbour"))


def test_a_denied_batch_spends_nothing(buckets: BucketStore, subject: bytes) -> None:
    small = charge(subject, Limit(1, 60.0), "small")
    assert is_allowed(buckets, charge(subject), small)
    for _ in range(20):
        assert not is_allowed(buckets, charge(subject), small)
    assert [is_allowed(buckets, charge(subject)) for _ in range(10)] == [True] * 9 + [False]


def test_a_decision_names_the_denied_transaction_and_its_wait(buckets: BucketStore, subject: bytes) -> None:
    small = charge(subject, Limit(2, 60.0), "small")
    for used in (0.5, 1.0):
        decision = buckets.spend([charge(subject), small], now=NOW)
        assert decision.used_fractions[1] == pytest.approx(used)
    decision = buckets.spend([charge(subject), small], now=NOW)
    assert decision.denied == small
    assert decision.retry_in == pytest.approx(30.0)


def test_check_only_spends_nothing(buckets: BucketStore, subject: bytes) -> None:
    for _ in range(30):
        assert is_allowed(buckets, charge(subject, check_only=True))
    assert [is_allowed(buckets, charge(subject)) for _ in range(10)] == [True] * 10
    assert not is_allowed(buckets, charge(subject, check_only=True))


def test_a_forced_charge_is_spent_and_still_reports_its_denial(buckets: BucketStore, subject: bytes) -> None:
    for number in range(12):
        assert (buckets.spend([charge(subject)], now=NOW, force=True).denied is None) == (number < 10)
    assert not is_allowed(buckets, charge(subject), now=NOW + 5.9)
    assert is_allowed(buckets, charge(subject), now=NOW + 6.0)  # a forced charge never takes a bucket below empty


def test_a_bucket_key_is_stable_for_a_day_and_hides_its_subject(buckets: BucketStore, subject: bytes) -> None:
    first, second = buckets.bucket_keys([charge(subject), charge(b"other", limit_name="b")], now=NOW)
    assert buckets.bucket_keys([charge(subject)], now=NOW + 60.0) == (first,)
    assert first.startswith("a:")
    assert second.startswith("b:")
    assert len(first) == len("a:") + 32
    assert subject.hex() not in first
    assert buckets.bucket_keys([charge(subject)], now=NOW + DAY_SECONDS) != (first,)


def test_draining_empties_the_code_limits_of_the_client_and_its_subnet_only(
    buckets: BucketStore, subject: bytes
) -> None:
    limiter, now = ActionLimiter(RateLimitPolicy(), buckets), datetime.fromtimestamp(NOW, tz=UTC)
    number = next(_unique_numbers)
    client, stranger = (
        client_address_from_ip(f"2001:db8:{number:x}::1"),
        client_address_from_ip(f"2001:db8:{number:x}f::1"),
    )
    neighbour = client_address_from_ip(f"2001:db8:{number:x}:1::1")

    def request_code(address: ClientAddress, now: datetime = now) -> str | bool:
        try:
            limiter.charge_code_request(address, now=now)
        except RateLimited as denied:
            return denied.limit_name
        return True

    assert request_code(client) is True
    drained = limiter.drain_code_limits(client, now=now)
    assert [key.partition(":")[0] for key in drained] == [
        "client.unverified_codes",
        "client.unverified_codes_per_subnet",
    ]
    assert request_code(client) == "unverified_codes"
    assert request_code(neighbour) == "unverified_codes_per_subnet"
    assert request_code(stranger) is True
    limiter.drain_code_limits(client, now=now)  # draining twice never takes a bucket below empty
    assert request_code(client, now + timedelta(hours=13)) is True
    assert limiter.drain_code_limits(stranger, now=now) != drained


def test_a_refund_can_be_spent_again(buckets: BucketStore, subject: bytes) -> None:
    for _ in range(10):
        assert is_allowed(buckets, charge(subject))
    buckets.spend([charge(subject, cost=-2.0)], now=NOW, force=True)
    assert [is_allowed(buckets, charge(subject)) for _ in range(3)] == [True, True, False]
    buckets.spend([charge(subject, cost=-100.0)], now=NOW, force=True)
    assert [is_allowed(buckets, charge(subject)) for _ in range(11)] == [True] * 10 + [False]


def test_the_reserved_share_is_for_trusted_clients(buckets: BucketStore, subject: bytes) -> None:
    """A client that used at most a tenth of its own bucket gets the last of the common one."""
    common = charge(subject, Limit(20, 60.0), "common", reserved_share=0.25)
    greedy, modest = charge(subject + b"greedy", Limit(40, 60.0)), charge(subject + b"modest", Limit(10, 60.0))
    for _ in range(15):
        assert is_allowed(buckets, greedy, common)
    assert not is_allowed(buckets, greedy, common)
    assert is_allowed(buckets, modest, common)


def test_concurrent_batches_never_spend_more_than_the_limit(buckets: BucketStore, subject: bytes) -> None:
    batch = [charge(subject, Limit(50, 3600.0)), charge(subject, Limit(80, 3600.0), "b")]
    with ThreadPoolExecutor(8) as threads:
        allowed = list(threads.map(lambda _: is_allowed(buckets, *batch), range(200)))
    assert sum(allowed) == 50
    larger = charge(subject, Limit(80, 3600.0), "b")
    assert sum(is_allowed(buckets, larger) for _ in range(80)) == 30


BATCH_STEPS: st.SearchStrategy[list[BatchStep]] = st.lists(
    st.tuples(
        st.floats(0, 40),  # seconds later
        st.floats(-3, 3),  # cost
        st.floats(0.1, 1),  # usable share
        st.floats(0, 0.5),  # reserved share
        st.booleans(),  # force
        st.booleans(),  # check only
    ),
    max_size=25,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BATCH_STEPS)
def test_memory_and_redis_decide_alike(redis_buckets: BucketStore, steps: list[BatchStep]) -> None:
    subject = f"alike {next(_unique_numbers)}".encode()
    memory_buckets, now = MemoryBucketStore(b"s" * 32), NOW
    for delay, cost, usable_share, reserved_share, force, check_only in steps:
        now += delay
        batch = [
            charge(subject, Limit(7, 50.0), "first"),
            charge(
                subject,
                cost=cost,
                usable_share=usable_share,
                reserved_share=reserved_share,
                check_only=check_only,
            ),
        ]
        expected = memory_buckets.spend(batch, now=now, force=force)
        actual = redis_buckets.spend(batch, now=now, force=force)
        assert actual.denied == expected.denied
        assert actual.retry_in == pytest.approx(expected.retry_in, abs=1e-4)
        assert actual.used_fractions == pytest.approx(expected.used_fractions, abs=1e-5)


@pytest.fixture
def redis_buckets(valkey_url: str) -> BucketStore:
    return RedisBucketStore(RedisCircuitBreaker(valkey_url), b"s" * 32)


def test_redis_holds_no_identifier_in_clear(valkey_url: str) -> None:
    breaker = RedisCircuitBreaker(valkey_url)
    identifier = b"+821000000042"
    transaction = Transaction("target.codes", TEN_PER_MINUTE, identifier)
    RedisBucketStore(breaker, b"s" * 32).spend([transaction], now=NOW)
    names: list[bytes] = breaker.call(lambda client: list(client.storage.scan_iter(count=1000)), list)
    assert any(b"target.codes" in name for name in names)

    def dump(name: bytes) -> bytes:
        value: bytes = breaker.call(lambda client: client.storage.dump(name), lambda: b"")
        return value

    for name in names:
        assert identifier not in name + dump(name)


def seconds_until_midnight(now: float = NOW) -> float:
    return DAY_SECONDS - now % DAY_SECONDS


def test_no_limit_is_full_again_at_midnight(buckets: BucketStore, subject: bytes) -> None:
    midnight = NOW + seconds_until_midnight()
    daily = charge(subject, Limit(24, DAY_SECONDS), "daily")
    assert [is_allowed(buckets, daily, now=midnight - 10) for _ in range(25)] == [True] * 24 + [False]
    assert not is_allowed(buckets, daily, now=midnight + 10)
    assert is_allowed(buckets, daily, now=midnight + 3600)
    assert not is_allowed(buckets, daily, now=midnight + 3600)
    assert not is_allowed(buckets, daily, now=midnight + 3700)
    for hours in range(2, 60):  # never idle for a day
        assert is_allowed(buckets, daily, now=midnight + hours * 3600)
        assert not is_allowed(buckets, daily, now=midnight + hours * 3600)


def test_a_refund_after_midnight_does_not_bring_back_what_was_used_before(buckets: BucketStore, subject: bytes) -> None:
    midnight = NOW + seconds_until_midnight()
    daily = charge(subject, Limit(2, DAY_SECONDS), "daily")
    assert is_allowed(buckets, daily, now=midnight - 10)
    buckets.spend([charge(subject, daily.limit, "daily", cost=-1.0)], now=midnight + 10, force=True)
    assert [is_allowed(buckets, daily, now=midnight + 20) for _ in range(3)] == [True, True, False]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(0, 1.4 * DAY_SECONDS), st.floats(-2, 2), st.booleans()), max_size=25))
def test_over_days_every_store_decides_like_one_bucket(
    redis_buckets: BucketStore, steps: list[tuple[float, float, bool]]
) -> None:
    """The reference keeps one number for ever: no name changes at midnight."""
    subject, limit = f"days {next(_unique_numbers)}".encode(), Limit(5, DAY_SECONDS)
    stores, arrival_time, now = (MemoryBucketStore(b"s" * 32), redis_buckets), 0.0, NOW
    for delay, cost, force in steps:
        now += delay
        expected = gcra_spend(arrival_time, limit, cost=cost, usable_share=1.0, now=now)
        if force or not expected.retry_in:
            arrival_time = expected.theoretical_arrival_time
        for store in stores:
            decision = store.spend([charge(subject, limit, cost=cost)], now=now, force=force)
            assert decision.retry_in == pytest.approx(expected.retry_in, abs=1e-3)
            assert decision.used_fractions[0] == pytest.approx(expected.used_fraction, abs=1e-5)

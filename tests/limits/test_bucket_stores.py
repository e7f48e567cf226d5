"""Buckets in this process, in a Valkey, and in a Valkey cluster: the same tests for all."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.rate_limits import (
    ClientAddress,
    BucketStore,
    ActionLimiter,
    MemoryBucketStore,
    RateLimited,
    RateLimitPolicy,
    LimitSubject,
    RedisBucketStore,
    RedisCircuitBreaker,
    client_address_from_ip,
)
from app.rate_limits.bucket_store import DAY
from app.rate_limits.transaction import Transaction
from app.rate_limits.gcra import Limit
from tests.support.external_servers import run_valkey_cluster

NOW = 1_764_000_000.0
TEN = Limit(10, 60.0)
_numbers = itertools.count()


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    with run_valkey_cluster() as url:
        yield url


@pytest.fixture(params=["local", "valkey", "cluster"])
def buckets(request: pytest.FixtureRequest) -> BucketStore:
    if request.param == "local":
        return MemoryBucketStore()
    url = request.getfixturevalue("valkey_url" if request.param == "valkey" else "cluster_url")
    return RedisBucketStore(RedisCircuitBreaker(url))


@pytest.fixture
def somebody() -> bytes:
    """Whose bucket nobody has spent from."""
    return f"somebody {next(_numbers)}".encode()


@pytest.fixture
def different_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No two identifiers share a mark, as one pair in 8,192 does."""
    marks: dict[bytes, int] = {}
    for module in ("bucket_store", "redis_bucket_store"):
        monkeypatch.setattr(
            f"app.rate_limits.{module}.mark_of", lambda identifier, _: marks.setdefault(identifier, len(marks))
        )


def charge(whose: bytes, limit: Limit = TEN, budget: str = "a", **given: object) -> Transaction:
    return Transaction(budget, limit, whose, **given)  # type: ignore[arg-type]


def admitted(buckets: BucketStore, *charges: Transaction, now: float = NOW) -> bool:
    return buckets.spend(charges, now=now).refused is None


def test_a_bucket_empties_and_fills(buckets: BucketStore, somebody: bytes) -> None:
    assert [admitted(buckets, charge(somebody)) for _ in range(11)] == [True] * 10 + [False]
    assert admitted(buckets, charge(somebody), now=NOW + 6.0)
    assert not admitted(buckets, charge(somebody), now=NOW + 6.0)
    assert admitted(buckets, charge(somebody + b"'s neighbour"))


def test_a_refusal_spends_nothing_anywhere(buckets: BucketStore, somebody: bytes) -> None:
    small = charge(somebody, Limit(1, 60.0), "small")
    assert admitted(buckets, charge(somebody), small)
    for _ in range(20):
        assert not admitted(buckets, charge(somebody), small)
    assert [admitted(buckets, charge(somebody)) for _ in range(10)] == [True] * 9 + [False]


def test_the_refused_one_and_its_wait_are_said(buckets: BucketStore, somebody: bytes) -> None:
    small = charge(somebody, Limit(2, 60.0), "small")
    for used in (0.5, 1.0):
        outcome = buckets.spend([charge(somebody), small], now=NOW)
        assert outcome.used[1] == pytest.approx(used)
    outcome = buckets.spend([charge(somebody), small], now=NOW)
    assert outcome.refused == small
    assert outcome.wait == pytest.approx(30.0)


def test_to_look_spends_nothing(buckets: BucketStore, somebody: bytes) -> None:
    for _ in range(30):
        assert admitted(buckets, charge(somebody, looks=True))
    assert [admitted(buckets, charge(somebody)) for _ in range(10)] == [True] * 10
    assert not admitted(buckets, charge(somebody, looks=True))


def test_what_is_forced_is_spent_and_still_said(buckets: BucketStore, somebody: bytes) -> None:
    for number in range(12):
        assert (buckets.spend([charge(somebody)], now=NOW, force=True).refused is None) == (number < 10)
    assert not admitted(buckets, charge(somebody), now=NOW + 5.9)
    assert admitted(buckets, charge(somebody), now=NOW + 6.0)  # an empty bucket owes nothing


def test_a_name_is_the_same_all_day_and_says_nothing(buckets: BucketStore, somebody: bytes) -> None:
    one, other = buckets.bucket_keys([charge(somebody), charge(b"other", budget="b")], now=NOW)
    assert buckets.bucket_keys([charge(somebody)], now=NOW + 60.0) == (one,)
    assert one.startswith("a:")
    assert other.startswith("b:")
    assert len(one) == len("a:") + 32
    assert somebody.hex() not in one
    assert buckets.bucket_keys([charge(somebody)], now=NOW + DAY) != (one,)


def test_who_touched_a_canary_finds_the_budgets_of_codes_empty_and_nobody_else_does(
    buckets: BucketStore, somebody: bytes
) -> None:
    kept, now = ActionLimiter(RateLimitPolicy(), buckets), datetime.fromtimestamp(NOW, tz=UTC)
    number = next(_numbers)
    asker, elsewhere = client_address_from_ip(f"2001:db8:{number:x}::1"), client_address_from_ip(f"2001:db8:{number:x}f::1")
    neighbour = client_address_from_ip(f"2001:db8:{number:x}:1::1")

    def asks(who: ClientAddress, when: datetime = now) -> str | bool:
        try:
            kept.charge_code_request(who, LimitSubject("email", somebody), now=when)
        except RateLimited as spent:
            return spent.limit_name
        return True

    assert asks(asker) is True
    emptied = kept.drain_code_limits(asker, now=now)
    assert [name.partition(":")[0] for name in emptied] == [
        "client.new_identifiers",
        "client.new_identifiers_per_subnet",
        "client.unverified_codes",
        "client.unverified_codes_per_subnet",
    ]
    assert asks(asker) == "unverified_codes"  # this identifier is not new today
    assert asks(neighbour) == "unverified_codes_per_subnet"
    assert asks(elsewhere) is True
    kept.drain_code_limits(asker, now=now)  # an empty bucket owes nothing
    assert asks(asker, now + timedelta(hours=1)) is True
    assert kept.drain_code_limits(elsewhere, now=now) != emptied


def test_what_is_given_back_can_be_spent_again(buckets: BucketStore, somebody: bytes) -> None:
    for _ in range(10):
        assert admitted(buckets, charge(somebody))
    buckets.spend([charge(somebody, cost=-2.0)], now=NOW, force=True)
    assert [admitted(buckets, charge(somebody)) for _ in range(3)] == [True, True, False]
    buckets.spend([charge(somebody, cost=-100.0)], now=NOW, force=True)
    assert [admitted(buckets, charge(somebody)) for _ in range(11)] == [True] * 10 + [False]


@pytest.mark.usefixtures("different_marks")
def test_an_identifier_costs_once_a_day(buckets: BucketStore, somebody: bytes) -> None:
    def asks(identifier: bytes, now: float = NOW) -> bool:
        return admitted(buckets, charge(somebody, Limit(3, 86400.0), distinct=identifier), now=now)

    assert all(asks(b"one") for _ in range(20))
    assert asks(b"two")
    assert asks(b"three")
    assert not asks(b"four")
    assert asks(b"two")  # it is seen already


@pytest.mark.usefixtures("different_marks")
def test_a_refused_identifier_is_not_remembered(buckets: BucketStore, somebody: bytes) -> None:
    limit = Limit(1, 86400.0)
    assert admitted(buckets, charge(somebody, limit, distinct=b"one"))
    for _ in range(2):
        assert not admitted(buckets, charge(somebody, limit, distinct=b"two"))


def test_part_is_kept_for_those_within_their_quota(buckets: BucketStore, somebody: bytes) -> None:
    """Who used a tenth of their own bucket at most, gets the last of the common one."""
    common = charge(somebody, Limit(20, 60.0), "common", kept=0.25)
    greedy, modest = charge(somebody + b"greedy", Limit(40, 60.0)), charge(somebody + b"modest", Limit(10, 60.0))
    for _ in range(15):
        assert admitted(buckets, greedy, common)
    assert not admitted(buckets, greedy, common)
    assert admitted(buckets, modest, common)


def test_parallel_calls_never_spend_more_than_there_is(buckets: BucketStore, somebody: bytes) -> None:
    both = [charge(somebody, Limit(50, 3600.0)), charge(somebody, Limit(80, 3600.0), "b")]
    with ThreadPoolExecutor(8) as threads:
        passed = list(threads.map(lambda _: admitted(buckets, *both), range(200)))
    assert sum(passed) == 50
    left = charge(somebody, Limit(80, 3600.0), "b")
    assert sum(admitted(buckets, left) for _ in range(80)) == 30


STEPS = st.lists(
    st.tuples(
        st.floats(0, 40),  # seconds later
        st.floats(-3, 3),  # cost
        st.floats(0.1, 1),  # share
        st.floats(0, 0.5),  # kept
        st.booleans(),  # forced
        st.booleans(),  # only looked at
        st.sampled_from([None, b"x", b"y"]),
    ),
    max_size=25,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_all_stores_decide_alike(shared: Callable[[], BucketStore], steps: list[tuple[object, ...]]) -> None:
    whose = f"alike {next(_numbers)}".encode()
    local, there, now = MemoryBucketStore(), shared(), NOW
    for wait, cost, share, kept, force, looks, distinct in steps:
        now += wait  # type: ignore[operator]
        given_to_both = [
            charge(whose, Limit(7, 50.0), "first"),
            charge(whose, cost=cost, share=share, kept=kept, looks=looks, distinct=distinct),
        ]
        expected = local.spend(given_to_both, now=now, force=bool(force))
        got = there.spend(given_to_both, now=now, force=bool(force))
        assert got.refused == expected.refused
        assert got.wait == pytest.approx(expected.wait, abs=1e-4)
        assert got.used == pytest.approx(expected.used, abs=1e-5)


@pytest.fixture
def shared(valkey_url: str) -> Callable[[], BucketStore]:
    buckets = RedisBucketStore(RedisCircuitBreaker(valkey_url))
    return lambda: buckets


def test_the_store_holds_nobody_in_clear(valkey_url: str) -> None:
    store = RedisCircuitBreaker(valkey_url)
    marked = b"+821000000042"
    RedisBucketStore(store).spend([Transaction("target.codes", TEN, marked, distinct=marked)], now=NOW)
    held: list[bytes] = store.ask(lambda there: list(there.storage.scan_iter(count=1000)), list)
    assert any(b"target.codes" in name for name in held)
    for name in held:
        value: bytes = store.ask(lambda there, name=name: there.storage.dump(name), lambda: b"")  # type: ignore[misc]
        assert marked not in name + value


def test_tomorrow_nobodys_bucket_is_found_again(buckets: BucketStore, somebody: bytes) -> None:
    slow = charge(somebody, Limit(1, 10 * 86400.0))
    assert admitted(buckets, slow)
    assert not admitted(buckets, slow)
    assert admitted(buckets, slow, now=NOW + 86400.0)

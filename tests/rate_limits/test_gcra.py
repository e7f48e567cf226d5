"""The arithmetic of a bucket, without any store."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rate_limits.gcra import Limit, gcra_spend

NOW = 1_764_000_000.0
LIMIT = Limit(10, 60.0)


def spend_at(times: list[float], limit: Limit, cost: float = 1.0) -> list[bool]:
    """Spend at each of *times*. Return which were allowed."""
    arrival_time, allowed = 0.0, []
    for now in times:
        decision = gcra_spend(arrival_time, limit, cost=cost, usable_share=1.0, now=now)
        allowed.append(not decision.retry_in)
        if not decision.retry_in:
            arrival_time = decision.theoretical_arrival_time
    return allowed


def test_a_new_client_has_exactly_a_full_bucket() -> None:
    assert spend_at([NOW] * 11, LIMIT) == [True] * 10 + [False]


def test_a_bucket_refills_at_an_even_rate() -> None:
    assert spend_at([NOW] * 10 + [NOW + 5.9, NOW + 6.0, NOW + 6.1], LIMIT) == [True] * 10 + [False, True, False]


def test_the_wait_is_exact() -> None:
    empty = NOW + 60.0
    denied = gcra_spend(empty, LIMIT, cost=1.0, usable_share=1.0, now=NOW)
    assert denied.retry_in == pytest.approx(6.0)
    assert not gcra_spend(empty, LIMIT, cost=1.0, usable_share=1.0, now=NOW + denied.retry_in).retry_in


@given(
    st.lists(st.floats(0, 1000), min_size=1, max_size=80),
    st.integers(1, 50),
    st.sampled_from([1.0, 60.0, 3600.0]),
    st.floats(0.0, 1000.0),
)
def test_no_window_ever_allows_more_than_twice_the_bucket(
    offsets: list[float], count: int, seconds: float, start: float
) -> None:
    """No stretch of time allows more than the bucket and what it refilled meanwhile."""
    times = sorted(NOW + offset for offset in offsets)
    results = spend_at(times, Limit(count, seconds))
    allowed_times = [time for time, is_allowed in zip(times, results, strict=True) if is_allowed]
    begin, end = NOW + start, NOW + start + seconds
    assert sum(begin <= time < end for time in allowed_times) <= 2 * count + 1


@given(st.floats(0, 60), st.floats(-20, 20), st.floats(0, 1))
def test_a_bucket_stays_between_full_and_empty(used_seconds: float, cost: float, usable_share: float) -> None:
    decision = gcra_spend(NOW + used_seconds, LIMIT, cost=cost, usable_share=usable_share, now=NOW)
    assert 0.0 <= decision.used_fraction <= 1.0
    assert NOW <= decision.theoretical_arrival_time <= NOW + LIMIT.seconds


def test_a_usable_share_can_be_denied_where_the_whole_bucket_is_not() -> None:
    half_used = NOW + 30.0
    assert gcra_spend(half_used, LIMIT, cost=1.0, usable_share=0.5, now=NOW).retry_in
    assert not gcra_spend(half_used, LIMIT, cost=1.0, usable_share=1.0, now=NOW).retry_in


@pytest.mark.parametrize("text", ["0/minute", "many", "5/fortnight", "/hour"])
def test_an_invalid_rate_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"count of a rate|parse|granularity"):
        Limit.parse(text)


def test_a_divided_limit_is_at_least_one() -> None:
    assert Limit(100, 60.0).divided_by(4) == Limit(25, 60.0)
    assert Limit(3, 60.0).divided_by(4) == Limit(1, 60.0)

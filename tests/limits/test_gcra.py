"""The arithmetic of a bucket, without any store."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rate_limits.gcra import Limit, spend

NOW = 1_764_000_000.0
LIMIT = Limit(10, 60.0)


def taken(times: list[float], limit: Limit, cost: float = 1.0) -> list[bool]:
    """Which calls at these moments are admitted."""
    full_at, admitted = 0.0, []
    for now in times:
        decision = spend(full_at, limit, cost=cost, share=1.0, now=now)
        admitted.append(not decision.wait)
        if not decision.wait:
            full_at = decision.full_at
    return admitted


def test_a_newcomer_has_a_full_bucket_and_no_more() -> None:
    assert taken([NOW] * 11, LIMIT) == [True] * 10 + [False]


def test_it_fills_at_an_even_pace() -> None:
    assert taken([NOW] * 10 + [NOW + 5.9, NOW + 6.0, NOW + 6.1], LIMIT) == [True] * 10 + [False, True, False]


def test_the_wait_is_exact() -> None:
    full_at = NOW + 60.0
    refused = spend(full_at, LIMIT, cost=1.0, share=1.0, now=NOW)
    assert refused.wait == pytest.approx(6.0)
    assert not spend(full_at, LIMIT, cost=1.0, share=1.0, now=NOW + refused.wait).wait


@given(
    st.lists(st.floats(0, 1000), min_size=1, max_size=80),
    st.integers(1, 50),
    st.sampled_from([1.0, 60.0, 3600.0]),
    st.floats(0.0, 1000.0),
)
def test_no_window_ever_holds_more_than_twice_the_bucket(
    offsets: list[float], count: int, seconds: float, start: float
) -> None:
    """Over any stretch of time no more is admitted than the bucket and what flowed in meanwhile."""
    times = sorted(NOW + one for one in offsets)
    admitted = [time for time, one in zip(times, taken(times, Limit(count, seconds)), strict=True) if one]
    begin, end = NOW + start, NOW + start + seconds
    assert sum(begin <= time < end for time in admitted) <= 2 * count + 1


@given(st.floats(0, 60), st.floats(-20, 20), st.floats(0, 1))
def test_a_bucket_is_never_fuller_than_full_nor_emptier_than_empty(left: float, cost: float, share: float) -> None:
    decision = spend(NOW + left, LIMIT, cost=cost, share=share, now=NOW)
    assert 0.0 <= decision.used <= 1.0
    assert NOW <= decision.full_at <= NOW + LIMIT.seconds


def test_a_share_is_refused_where_the_whole_is_not() -> None:
    half = NOW + 30.0
    assert spend(half, LIMIT, cost=1.0, share=0.5, now=NOW).wait
    assert not spend(half, LIMIT, cost=1.0, share=1.0, now=NOW).wait


@pytest.mark.parametrize("text", ["0/minute", "many", "5/fortnight", "/hour"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"budget|parse|granularity"):
        Limit.read(text)


def test_a_stricter_one_holds_one_at_least() -> None:
    assert Limit(100, 60.0).stricter(4) == Limit(25, 60.0)
    assert Limit(3, 60.0).stricter(4) == Limit(1, 60.0)

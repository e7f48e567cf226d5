"""The queue in front of new journeys: in order, at the pace, nobody twice and nobody for nothing."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from app.rate_limits import MustQueue, MemoryBucketStore, RateLimitPolicy, WaitingRoom, ServiceLimits

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)


def queue(pace: str = "10/second", *, dry_run: bool = False, told: list[str] | None = None) -> WaitingRoom:
    policy = RateLimitPolicy(service=ServiceLimits(admissions=pace), dry_run=dry_run)
    return WaitingRoom(policy, MemoryBucketStore(), b"k" * 32, (told if told is not None else []).append)


def turned_away(kept: WaitingRoom, now: datetime = NOW) -> MustQueue | None:
    try:
        kept.enter(now=now)
    except MustQueue as crowded:
        return crowded
    return None


def redeemed(kept: WaitingRoom, ticket: str | None, now: datetime) -> bool:
    try:
        return kept.redeem_ticket(ticket, now=now)
    except MustQueue:
        return False


def test_a_crowd_is_let_in_at_once_up_to_two_seconds_worth() -> None:
    kept = queue()
    assert [turned_away(kept) is None for _ in range(21)] == [True] * 20 + [False]


def test_who_waits_has_a_turn_and_is_let_in_once() -> None:
    kept = queue()
    waiting = [crowded for _ in range(70) if (crowded := turned_away(kept))]
    assert [one.ahead for one in waiting] == list(range(1, 51))
    last = waiting[-1]
    assert last.retry_after >= 5
    with pytest.raises(MustQueue) as still:
        kept.redeem_ticket(last.ticket, now=NOW + timedelta(seconds=4.5))
    assert still.value.ticket == last.ticket
    turn = NOW + timedelta(seconds=5.1)
    assert kept.redeem_ticket(last.ticket, now=turn)
    assert not redeemed(kept, last.ticket, turn)


def test_a_turn_is_kept_for_who_is_late_but_not_for_ever() -> None:
    kept = queue()
    for _ in range(20):
        kept.enter(now=NOW)
    late, later = turned_away(kept), turned_away(kept)
    assert late
    assert later
    assert kept.redeem_ticket(late.ticket, now=NOW + timedelta(minutes=15))
    assert not kept.redeem_ticket(later.ticket, now=NOW + timedelta(minutes=16))


@pytest.mark.parametrize("ticket", [None, "", "made up", "AAAA", "Zm9v" * 40, "한글"])
def test_what_is_no_ticket_lets_nobody_in(ticket: str | None) -> None:
    assert not queue().redeem_ticket(ticket, now=NOW)


def test_no_bit_of_a_ticket_can_be_changed() -> None:
    kept = queue()
    for _ in range(20):
        kept.enter(now=NOW)
    crowded = turned_away(kept)
    assert crowded
    assert crowded.ticket
    later = NOW + timedelta(seconds=10)
    for place in range(0, len(crowded.ticket) - 1, 3):
        changed = "A" if crowded.ticket[place] != "A" else "B"
        forged = crowded.ticket[:place] + changed + crowded.ticket[place + 1 :]
        assert not redeemed(kept, forged, later), place
    assert kept.redeem_ticket(crowded.ticket, now=later)


def test_a_full_queue_gives_no_place() -> None:
    kept = queue("1/10 seconds")  # an hour of it holds 360
    given = [turned_away(kept) for _ in range(400)]
    assert given[0] is None
    assert all(one and one.ticket for one in given[1:359])
    assert all(one and one.ticket is None for one in given[359:])


def test_at_twice_the_pace_the_queue_drains_in_order_and_nobody_begins_again() -> None:
    """A minute of twice what is carried; everybody comes back when told to."""
    kept, chance = queue(), random.Random(5)
    now, let_in, arrivals = NOW, [], []
    for tick in range(1200):  # a twentieth of a second each: 20 a second
        now = NOW + timedelta(seconds=tick / 20)
        crowded = turned_away(kept, now)
        arrivals.append((now, crowded))
        if crowded is None:
            let_in.append((now, tick))
    waiting = [
        (arrived + timedelta(seconds=crowded.retry_after + chance.random()), number, crowded.ticket)
        for number, (arrived, crowded) in enumerate(arrivals)
        if crowded
    ]
    assert len(waiting) > 400
    for comes, number, ticket in sorted(waiting, key=lambda one: one[0]):
        assert kept.redeem_ticket(ticket, now=comes), number
        let_in.append((comes, number))
    assert len(let_in) == 1200
    turns = [crowded.ahead for _, crowded in arrivals if crowded]
    assert turns == sorted(turns)  # who comes later has more people before him
    last = max(moment for moment, _ in let_in)
    assert (last - NOW).total_seconds() <= 1200 / 10 + 15  # the pace, and the jitter


def test_dry_run_lets_everybody_in_and_says_who_would_wait() -> None:
    told: list[str] = []
    kept = queue(dry_run=True, told=told)
    for _ in range(30):
        kept.enter(now=NOW)
    assert told == ["service.admissions"] * 10

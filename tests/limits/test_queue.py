"""The queue in front of new journeys: in order, at the pace, nobody twice and nobody for nothing."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from app.limits import Crowded, LocalBuckets, Queue
from app.limits.decision import Limit

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
TEN_A_SECOND = Limit(10, 1.0)


def queue(pace: Limit = TEN_A_SECOND) -> Queue:
    return Queue(pace, LocalBuckets(), b"k" * 32)


def turned_away(kept: Queue, now: datetime = NOW) -> Crowded | None:
    try:
        kept.enter(now=now)
    except Crowded as crowded:
        return crowded
    return None


def redeemed(kept: Queue, ticket: str | None, now: datetime) -> bool:
    try:
        return kept.redeem(ticket, now=now)
    except Crowded:
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
    with pytest.raises(Crowded) as still:
        kept.redeem(last.ticket, now=NOW + timedelta(seconds=4.5))
    assert still.value.ticket == last.ticket
    turn = NOW + timedelta(seconds=5.1)
    assert kept.redeem(last.ticket, now=turn)
    assert not redeemed(kept, last.ticket, turn)


def test_a_turn_is_kept_for_who_is_late_but_not_for_ever() -> None:
    kept = queue()
    for _ in range(20):
        kept.enter(now=NOW)
    late, later = turned_away(kept), turned_away(kept)
    assert late
    assert later
    assert kept.redeem(late.ticket, now=NOW + timedelta(minutes=15))
    assert not kept.redeem(later.ticket, now=NOW + timedelta(minutes=16))


@pytest.mark.parametrize("ticket", [None, "", "made up", "AAAA", "Zm9v" * 40, "한글"])
def test_what_is_no_ticket_lets_nobody_in(ticket: str | None) -> None:
    assert not queue().redeem(ticket, now=NOW)


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
    assert kept.redeem(crowded.ticket, now=later)


def test_a_full_queue_gives_no_place() -> None:
    kept = queue(Limit(1, 10.0))  # an hour of it holds 360
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
        assert kept.redeem(ticket, now=comes), number
        let_in.append((comes, number))
    assert len(let_in) == 1200
    turns = [crowded.ahead for _, crowded in arrivals if crowded]
    assert turns == sorted(turns)  # who comes later has more people before him
    last = max(moment for moment, _ in let_in)
    assert (last - NOW).total_seconds() <= 1200 / 10 + 15  # the pace, and the jitter

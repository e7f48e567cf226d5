"""The waiting room for new users: in order, at the configured rate, and each ticket admits once."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from app.rate_limits import MemoryBucketStore, MustQueue, RateLimitPolicy, ServiceLimits, WaitingRoom

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
PSEUDONYM = b"p" * 16


def create_waiting_room(
    rate: str = "10/second", *, dry_run: bool = False, denials: list[str] | None = None
) -> WaitingRoom:
    policy = RateLimitPolicy(service=ServiceLimits(admissions=rate), dry_run=dry_run)
    return WaitingRoom(policy, MemoryBucketStore(b"s" * 32), b"k" * 32, (denials if denials is not None else []).append)


def try_to_enter(room: WaitingRoom, now: datetime = NOW) -> MustQueue | None:
    """Enter the waiting room. Return None if admitted."""
    try:
        room.enter(PSEUDONYM, now=now)
    except MustQueue as must_queue:
        return must_queue
    return None


def is_admitted_by(room: WaitingRoom, ticket: str | None, now: datetime) -> bool:
    try:
        return room.redeem_ticket(ticket, PSEUDONYM, now=now)
    except MustQueue:
        return False


def test_two_seconds_worth_of_users_are_admitted_at_once() -> None:
    room = create_waiting_room()
    assert [try_to_enter(room) is None for _ in range(21)] == [True] * 20 + [False]


def test_a_ticket_admits_once_when_its_time_has_come() -> None:
    room = create_waiting_room()
    waiting = [must_queue for _ in range(70) if (must_queue := try_to_enter(room))]
    assert [must_queue.ahead for must_queue in waiting] == list(range(1, 51))
    last = waiting[-1]
    assert last.retry_after >= 5
    with pytest.raises(MustQueue) as too_early:
        room.redeem_ticket(last.ticket, PSEUDONYM, now=NOW + timedelta(seconds=4.5))
    assert too_early.value.ticket == last.ticket
    admission_time = NOW + timedelta(seconds=5.1)
    assert room.redeem_ticket(last.ticket, PSEUDONYM, now=admission_time)
    assert not is_admitted_by(room, last.ticket, admission_time)


def test_a_ticket_is_accepted_late_but_not_for_ever() -> None:
    room = create_waiting_room()
    for _ in range(20):
        room.enter(PSEUDONYM, now=NOW)
    late, too_late = try_to_enter(room), try_to_enter(room)
    assert late
    assert too_late
    assert room.redeem_ticket(late.ticket, PSEUDONYM, now=NOW + timedelta(minutes=15))
    assert not room.redeem_ticket(too_late.ticket, PSEUDONYM, now=NOW + timedelta(minutes=16))


def test_a_ticket_is_for_one_identifier() -> None:
    """Another identifier was never charged: its ticket is none, and remains valid for the one that it was issued for."""
    room = create_waiting_room()
    while (must_queue := try_to_enter(room)) is None:
        pass
    later = NOW + timedelta(seconds=10)
    assert not room.redeem_ticket(must_queue.ticket, b"q" * 16, now=NOW)  # not even the admission time is told
    assert not room.redeem_ticket(must_queue.ticket, b"q" * 16, now=later)
    assert room.redeem_ticket(must_queue.ticket, PSEUDONYM, now=later)


@pytest.mark.parametrize("ticket", [None, "", "made up", "AAAA", "Zm9v" * 40, "한글"])
def test_an_invalid_ticket_admits_nobody(ticket: str | None) -> None:
    assert not create_waiting_room().redeem_ticket(ticket, PSEUDONYM, now=NOW)


def test_a_changed_ticket_is_rejected() -> None:
    room = create_waiting_room()
    for _ in range(20):
        room.enter(PSEUDONYM, now=NOW)
    must_queue = try_to_enter(room)
    assert must_queue
    assert must_queue.ticket
    later = NOW + timedelta(seconds=10)
    for position in range(0, len(must_queue.ticket) - 1, 3):
        replacement = "A" if must_queue.ticket[position] != "A" else "B"
        forged = must_queue.ticket[:position] + replacement + must_queue.ticket[position + 1 :]
        assert not is_admitted_by(room, forged, later), position
    assert room.redeem_ticket(must_queue.ticket, PSEUDONYM, now=later)


def test_a_full_queue_issues_no_tickets() -> None:
    room = create_waiting_room("1/10 seconds")  # the bucket holds an hour's worth: 360
    results = [try_to_enter(room) for _ in range(400)]
    assert results[0] is None
    assert all(must_queue and must_queue.ticket for must_queue in results[1:359])
    assert all(must_queue and must_queue.ticket is None for must_queue in results[359:])


def test_at_double_the_rate_the_queue_drains_in_order_and_every_ticket_admits() -> None:
    """A minute of arrivals at double the rate. All users return when they were asked to."""
    room, rng = create_waiting_room(), random.Random(5)
    now, admitted, arrivals = NOW, [], []
    for tick in range(1200):  # a twentieth of a second each: 20 a second
        now = NOW + timedelta(seconds=tick / 20)
        must_queue = try_to_enter(room, now)
        arrivals.append((now, must_queue))
        if must_queue is None:
            admitted.append((now, tick))
    waiting = [
        (arrived + timedelta(seconds=must_queue.retry_after + rng.random()), index, must_queue.ticket)
        for index, (arrived, must_queue) in enumerate(arrivals)
        if must_queue
    ]
    assert len(waiting) > 400
    for returns_at, index, ticket in sorted(waiting, key=lambda user: user[0]):
        assert room.redeem_ticket(ticket, PSEUDONYM, now=returns_at), index
        admitted.append((returns_at, index))
    assert len(admitted) == 1200
    queue_lengths = [must_queue.ahead for _, must_queue in arrivals if must_queue]
    assert queue_lengths == sorted(queue_lengths)  # later arrivals have more users ahead
    last = max(admitted_at for admitted_at, _ in admitted)
    assert (last - NOW).total_seconds() <= 1200 / 10 + 15  # the rate, and the jitter


def test_dry_run_admits_everybody_and_reports_who_would_wait() -> None:
    denials: list[str] = []
    room = create_waiting_room(dry_run=True, denials=denials)
    for _ in range(30):
        room.enter(PSEUDONYM, now=NOW)
    assert denials == ["service.admissions"] * 10

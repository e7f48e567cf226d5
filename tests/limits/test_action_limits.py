"""What asking, guessing and proving cost: by client, subnet, target and service."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from app.rate_limits import ClientAddress, ActionLimiter, GlobalLimitReached, MemoryBucketStore, RateLimited, RateLimitPolicy, LimitSubject, VerifiedSolution, client_address_from_ip

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
HOME = client_address_from_ip("198.51.100.7")


def phone(number: int) -> LimitSubject:
    return LimitSubject("82", f"sms +8210{number:08}".encode())


def budgets(dry_run: bool = False, told: list[str] | None = None, **tables: dict[str, str]) -> ActionLimiter:
    policy = RateLimitPolicy(dry_run=dry_run)
    changed = {name: replace(getattr(policy, name), **fields) for name, fields in tables.items()}
    return ActionLimiter(replace(policy, **changed), MemoryBucketStore(), (told if told is not None else []).append)


def asks(kept: ActionLimiter, to: LimitSubject, asker: ClientAddress = HOME, now: datetime = NOW) -> bool | str:
    """Whether a code is sent, or which budget spoke, to somebody who computes whatever he is asked to."""
    try:
        kept.charge_code_request(asker, to, solution=VerifiedSolution(secrets.token_bytes(32)), now=now)
    except RateLimited as spent:
        return spent.limit_name
    return kept.charge_message(asker, to, now=now)


@contextmanager
def guessing(kept: ActionLimiter, asker: ClientAddress = HOME) -> Iterator[None]:
    with kept.attempt_code(asker, now=NOW):
        yield


def guess_wrong(kept: ActionLimiter, to: LimitSubject, asker: ClientAddress = HOME, now: datetime = NOW) -> None:
    with kept.attempt_code(asker, now=now) as attempt:
        attempt.record_failure(to)


def prove(kept: ActionLimiter, to: LimitSubject, asker: ClientAddress = HOME, now: datetime = NOW) -> None:
    with kept.attempt_code(asker, now=now) as attempt:
        attempt.record_success(to)


def test_an_address_is_told_apart_from_its_neighbours() -> None:
    assert client_address_from_ip("198.51.100.7") == client_address_from_ip("::ffff:198.51.100.7") == ClientAddress("198.51.100.7/32", "198.51.100.0/24")
    assert (
        client_address_from_ip("2001:db8:1:2::3") == client_address_from_ip("2001:db8:1:2:ffff::") == ClientAddress("2001:db8:1:2::/64", "2001:db8:1::/48")
    )
    assert client_address_from_ip("") == client_address_from_ip("a Unix socket")
    assert "198" not in repr(HOME)


def test_who_asks_about_many_and_proves_none_is_stopped() -> None:
    kept = budgets(client={"unverified_codes": "1000/hour", "unverified_codes_per_subnet": "4000/hour"})
    spoke = [asks(kept, phone(number)) for number in range(460)]
    assert spoke[:400] == [True] * 400
    assert spoke.count("new_identifiers") > 10  # some are taken for one that came before
    assert asks(kept, phone(0)) is True
    assert asks(kept, phone(9000), client_address_from_ip("198.51.100.8")) is True


def test_a_subnet_is_worth_four_addresses() -> None:
    kept = budgets(client={"unverified_codes": "1000/hour", "unverified_codes_per_subnet": "4000/hour"})
    spoke = [asks(kept, phone(number), client_address_from_ip(f"198.51.100.{number % 250}")) for number in range(2000)]
    assert spoke[:1600] == [True] * 1600
    assert spoke.count("new_identifiers_per_subnet") > 40
    assert asks(kept, phone(9000), client_address_from_ip("203.0.113.1")) is True


def test_messages_that_nobody_confirms_are_stopped() -> None:
    kept = budgets(target={"codes": "1000/hour", "codes_per_day": "1000/day"})
    assert [asks(kept, phone(1)) for _ in range(241)] == [True] * 240 + ["unverified_codes"]
    with pytest.raises(RateLimited) as spent:
        kept.charge_code_request(HOME, phone(1), solution=VerifiedSolution(b"another"), now=NOW)
    assert spent.value.retry_after == 15
    assert asks(kept, phone(1), now=NOW + timedelta(seconds=15)) is True


def test_a_carriers_address_whose_people_confirm_is_never_stopped() -> None:
    kept = budgets()
    for number in range(3000):
        kept.charge_code_request(HOME, phone(number), now=NOW)  # without any work
        if number % 3:  # a third of them do not come back
            prove(kept, phone(number))


def test_a_phone_does_not_ring_without_end_and_nobody_is_told() -> None:
    kept = budgets()
    sent = [asks(kept, phone(1), client_address_from_ip(f"203.0.{number}.1")) for number in range(12)]
    assert sent == [True] * 10 + [False] * 2
    assert asks(kept, phone(2)) is True


def test_what_a_client_is_charged_with_does_not_tell_whether_a_message_went_out() -> None:
    blocked, free = (budgets(client={"unverified_codes": "5/hour"}) for _ in range(2))
    for number in range(10):
        asks(blocked, phone(1), client_address_from_ip(f"203.0.{number}.1"))
    assert [asks(blocked, phone(1)) for _ in range(6)] == [False] * 5 + ["unverified_codes"]
    assert [asks(free, phone(1)) for _ in range(6)] == [True] * 5 + ["unverified_codes"]


def test_a_target_that_was_guessed_at_gets_no_more_codes() -> None:
    kept = budgets()
    for number in range(25):
        guess_wrong(kept, phone(1), client_address_from_ip(f"203.0.{number}.1"))
    assert asks(kept, phone(1)) is False
    assert asks(kept, phone(2)) is True
    assert asks(kept, phone(1), now=NOW + timedelta(hours=1)) is True


def test_guesses_of_a_client_are_stopped_and_right_ones_are_free() -> None:
    kept = budgets()
    for number in range(500):
        prove(kept, phone(number))
    for number in range(120):
        guess_wrong(kept, phone(number))
    with pytest.raises(RateLimited) as spent:
        guess_wrong(kept, phone(1))
    assert spent.value.limit_name == "wrong_codes"


def test_what_was_no_guess_costs_nothing() -> None:
    """An unknown verification, an ended one, a keyholder that failed."""
    kept = budgets(client={"wrong_codes": "1/hour"})
    for _ in range(10):
        with pytest.raises(KeyError), guessing(kept):
            raise KeyError
    with guessing(kept):
        pass
    guess_wrong(kept, phone(1))
    with pytest.raises(RateLimited):
        guess_wrong(kept, phone(1))


def test_a_spray_meets_the_budget_of_the_whole_service_and_honest_people_the_rest_of_it() -> None:
    """Over a million identifiers from 2,313 addresses; every smaller budget is kept."""
    told: list[str] = []
    kept = budgets(told=told)
    guesses = 0
    with pytest.raises(GlobalLimitReached):
        for number in range(1_000_000):
            guess_wrong(kept, phone(number), client_address_from_ip(f"{11 + number % 2313 // 250}.0.{number % 250}.1"))
            guesses += 1
    assert guesses <= 20_000
    assert told == ["service.wrong_codes"]


def test_honest_people_get_what_is_kept_of_the_wrong_codes() -> None:
    kept = budgets(service={"wrong_codes": "100/hour"}, client={"wrong_codes": "40/hour"})
    greedy = [client_address_from_ip(f"203.{number}.0.1") for number in range(4)]
    with pytest.raises(GlobalLimitReached):
        for number in range(160):
            guess_wrong(kept, phone(number), greedy[number % 4])
    guess_wrong(kept, phone(1))


def test_a_thief_of_many_addresses_cannot_empty_what_is_kept() -> None:
    """A tenth of the modelled one's 2,313, against a tenth of the service's budgets: each takes all that it is let, and proves nothing."""
    kept = budgets(service={"wrong_codes": "1000/hour", "unverified_domestic": "2000/hour"})
    thieves = [client_address_from_ip(f"11.{number}.0.1") for number in range(231)]
    numbers = count()
    for minute in range(0, 180, 10):
        now = NOW + timedelta(minutes=minute)
        for thief in thieves:
            with suppress(GlobalLimitReached, RateLimited):
                while asks(kept, to := phone(next(numbers)), thief, now) is True:
                    guess_wrong(kept, to, thief, now)
        if minute >= 30:  # by when their first six each are used up
            for number in range(5):
                honest, to = client_address_from_ip(f"203.{minute}.{number}.1"), phone(next(numbers))
                assert asks(kept, to, honest, now) is True
                guess_wrong(kept, to, honest, now)  # mistyped
                prove(kept, to, honest, now)


def test_honest_mistakes_never_empty_the_budget_of_the_service() -> None:
    kept = budgets(service={"wrong_codes": "100/hour"})
    for number in range(5000):
        asker = client_address_from_ip(f"203.{number % 200}.{number // 200}.1")
        if number % 6 == 0:
            guess_wrong(kept, phone(number), asker)
        prove(kept, phone(number), asker)


def test_the_spend_cap_stops_messages_and_keeps_some_for_the_modest() -> None:
    kept = budgets(
        service={"messages": "100/hour"},
        client={"unverified_codes": "100/hour", "unverified_codes_per_subnet": "400/hour", "new_identifiers": "1000/day"},
    )
    assert [asks(kept, phone(number)) for number in range(80)] == [True] * 75 + [False] * 5
    for number in range(25):
        assert asks(kept, phone(1000 + number), client_address_from_ip(f"203.0.{number}.1")) is True
    assert asks(kept, phone(2000), client_address_from_ip("203.0.200.1")) is False


def test_pumped_messages_to_one_destination_stop_while_others_go_on() -> None:
    kept = budgets(service={"unverified_international": "10/hour"})
    premium = [LimitSubject("979", f"sms +979{number:09}".encode()) for number in range(20)]
    sent = [asks(kept, to, client_address_from_ip(f"203.0.{number}.1")) for number, to in enumerate(premium)]
    assert sent == [True] * 10 + [False] * 10
    assert asks(kept, phone(1)) is True
    assert asks(kept, LimitSubject("email", b"email a@example.org")) is True


def test_a_message_that_no_provider_took_is_given_back() -> None:
    kept = budgets(target={"codes": "1/hour", "codes_per_day": "1/day"})
    assert asks(kept, phone(1)) is True
    assert asks(kept, phone(1)) is False
    kept.refund_undelivered(phone(1), now=NOW)
    assert asks(kept, phone(1)) is True


def test_a_session_may_check_so_many_values() -> None:
    kept = budgets()
    for _ in range(60):
        kept.charge_value_check(b"one", now=NOW)
    with pytest.raises(RateLimited) as spent:
        kept.charge_value_check(b"one", now=NOW)
    assert spent.value.limit_name == "value_checks_per_session"
    kept.charge_value_check(b"another", now=NOW)


def test_dry_run_refuses_nothing_and_says_what_it_would_have() -> None:
    told: list[str] = []
    kept = budgets(dry_run=True, told=told, client={"new_identifiers": "2/day"}, target={"codes": "3/hour"})
    assert [asks(kept, phone(number)) for number in range(3)] == [True] * 3
    assert told == ["client.new_identifiers"]
    assert [asks(kept, phone(0)) for _ in range(3)] == [True] * 3
    assert told == ["client.new_identifiers", "target.codes"]


def test_nobody_is_named_by_a_charge() -> None:
    assert "4242" not in repr(phone(4242))

"""What requesting, guessing and confirming codes costs: by client, subnet, target and service."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from app.rate_limits import (
    ActionLimiter,
    ClientAddress,
    GlobalLimitReached,
    LimitSubject,
    MemoryBucketStore,
    RateLimited,
    RateLimitPolicy,
    VerifiedSolution,
    client_address_from_ip,
)

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
CLIENT = client_address_from_ip("198.51.100.7")


def phone_subject(number: int) -> LimitSubject:
    return LimitSubject("82", f"sms +8210{number:08}".encode())


def create_limiter(dry_run: bool = False, denials: list[str] | None = None, **tables: dict[str, str]) -> ActionLimiter:
    """Create a limiter whose policy overrides some limits, by table."""
    policy = RateLimitPolicy(dry_run=dry_run)
    overrides = {name: replace(getattr(policy, name), **limits) for name, limits in tables.items()}
    return ActionLimiter(
        replace(policy, **overrides), MemoryBucketStore(b"s" * 32), (denials if denials is not None else []).append
    )


def request_code(
    limiter: ActionLimiter, subject: LimitSubject, client: ClientAddress = CLIENT, now: datetime = NOW
) -> bool | str:
    """Request a code with a proof of work. Return whether it is sent, or the name of the client's limit that denied it."""
    try:
        limiter.charge_code_request(client, solution=VerifiedSolution(secrets.token_bytes(32)), now=now)
    except RateLimited as denied:
        return denied.limit_name
    return limiter.charge_message(client, subject, now=now)


@contextmanager
def attempt_without_outcome(limiter: ActionLimiter, client: ClientAddress = CLIENT) -> Iterator[None]:
    with limiter.attempt_code(client, now=NOW):
        yield


def try_wrong_code(
    limiter: ActionLimiter, subject: LimitSubject, client: ClientAddress = CLIENT, now: datetime = NOW
) -> None:
    with limiter.attempt_code(client, now=now) as attempt:
        attempt.record_failure(subject)


def try_right_code(
    limiter: ActionLimiter, subject: LimitSubject, client: ClientAddress = CLIENT, now: datetime = NOW
) -> None:
    with limiter.attempt_code(client, now=now) as attempt:
        attempt.record_success(subject)


def test_client_addresses_are_networks_of_their_ip() -> None:
    assert (
        client_address_from_ip("198.51.100.7")
        == client_address_from_ip("::ffff:198.51.100.7")
        == ClientAddress("198.51.100.7/32", "198.51.100.0/24")
    )
    assert (
        client_address_from_ip("2001:db8:1:2::3")
        == client_address_from_ip("2001:db8:1:2:ffff::")
        == ClientAddress("2001:db8:1:2::/64", "2001:db8:1::/48")
    )
    assert client_address_from_ip("") == client_address_from_ip("a Unix socket")
    assert "198" not in repr(CLIENT)


def test_a_client_that_asks_about_many_and_confirms_none_is_stopped() -> None:
    limiter = create_limiter()
    results = [request_code(limiter, phone_subject(number)) for number in range(410)]
    assert results == [True] * 400 + ["unverified_codes"] * 10
    assert request_code(limiter, phone_subject(9000), client_address_from_ip("198.51.100.8")) is True


def test_a_subnet_is_worth_four_addresses() -> None:
    limiter = create_limiter()
    results = [
        request_code(limiter, phone_subject(number), client_address_from_ip(f"198.51.100.{number % 250}"))
        for number in range(1610)
    ]
    assert results == [True] * 1600 + ["unverified_codes_per_subnet"] * 10
    assert request_code(limiter, phone_subject(9000), client_address_from_ip("203.0.113.1")) is True


def test_messages_that_are_never_confirmed_are_stopped() -> None:
    limiter = create_limiter(target={"codes": "1000/hour", "codes_per_day": "1000/day"})
    results = [request_code(limiter, phone_subject(1)) for _ in range(401)]
    assert results == [True] * 400 + ["unverified_codes"]
    with pytest.raises(RateLimited) as denied:
        limiter.charge_code_request(CLIENT, solution=VerifiedSolution(b"another"), now=NOW)
    assert denied.value.retry_after == 216
    assert request_code(limiter, phone_subject(1), now=NOW + timedelta(seconds=216)) is True


def test_a_code_costs_the_same_whether_or_not_somebody_asked_for_the_identifier_before() -> None:
    """Otherwise a neighbour behind the same address learns from the headers who was asked about."""
    asked, unasked = (create_limiter(client={"unverified_codes": "5/day"}) for _ in range(2))
    request_code(asked, phone_subject(1))
    request_code(unasked, phone_subject(2))
    expected: list[bool | str] = [True, True, True, True, "unverified_codes"]
    for limiter in (asked, unasked):
        assert [request_code(limiter, phone_subject(1)) for _ in range(5)] == expected


def test_a_carriers_address_whose_users_confirm_is_never_stopped() -> None:
    limiter = create_limiter()
    for number in range(3000):
        limiter.charge_code_request(CLIENT, now=NOW)  # without proof of work
        if number % 3:  # a third of the users do not confirm
            try_right_code(limiter, phone_subject(number))


def test_a_phone_gets_a_limited_number_of_codes_and_the_denial_is_silent() -> None:
    limiter = create_limiter()
    sent = [
        request_code(limiter, phone_subject(1), client_address_from_ip(f"203.0.{number}.1")) for number in range(12)
    ]
    assert sent == [True] * 10 + [False] * 2
    assert request_code(limiter, phone_subject(2)) is True


def test_a_clients_charges_do_not_reveal_whether_a_message_was_sent() -> None:
    blocked, unblocked = (create_limiter(client={"unverified_codes": "5/hour"}) for _ in range(2))
    for number in range(10):
        request_code(blocked, phone_subject(1), client_address_from_ip(f"203.0.{number}.1"))
    denied = ["unverified_codes"]
    assert [request_code(blocked, phone_subject(1)) for _ in range(6)] == [False] * 5 + denied
    assert [request_code(unblocked, phone_subject(1)) for _ in range(6)] == [True] * 5 + denied


def test_a_target_with_many_wrong_codes_gets_no_more_codes() -> None:
    limiter = create_limiter()
    for number in range(25):
        try_wrong_code(limiter, phone_subject(1), client_address_from_ip(f"203.0.{number}.1"))
    assert request_code(limiter, phone_subject(1)) is False
    assert request_code(limiter, phone_subject(2)) is True
    assert request_code(limiter, phone_subject(1), now=NOW + timedelta(hours=1)) is True


def test_wrong_codes_of_a_client_are_stopped_and_right_ones_are_free() -> None:
    limiter = create_limiter()
    for number in range(500):
        try_right_code(limiter, phone_subject(number))
    for number in range(120):
        try_wrong_code(limiter, phone_subject(number))
    with pytest.raises(RateLimited) as denied:
        try_wrong_code(limiter, phone_subject(1))
    assert denied.value.limit_name == "wrong_codes"


def test_an_attempt_without_outcome_costs_nothing() -> None:
    """An unknown verification, an ended one, a keyholder that failed."""
    limiter = create_limiter(client={"wrong_codes": "1/hour"})
    for _ in range(10):
        with pytest.raises(KeyError), attempt_without_outcome(limiter):
            raise KeyError
    with attempt_without_outcome(limiter):
        pass
    try_wrong_code(limiter, phone_subject(1))
    with pytest.raises(RateLimited):
        try_wrong_code(limiter, phone_subject(1))


def test_a_spray_of_wrong_codes_reaches_the_limit_of_the_service() -> None:
    """Over a million identifiers from 2,313 addresses; every smaller limit is respected."""
    denials: list[str] = []
    limiter = create_limiter(denials=denials)
    attempts = 0
    with pytest.raises(GlobalLimitReached):
        for number in range(1_000_000):
            client = client_address_from_ip(f"{11 + number % 2313 // 250}.0.{number % 250}.1")
            try_wrong_code(limiter, phone_subject(number), client)
            attempts += 1
    assert attempts <= 20_000
    assert denials == ["service.wrong_codes"]


def test_trusted_clients_can_use_the_reserved_share_of_wrong_codes() -> None:
    limiter = create_limiter(service={"wrong_codes": "100/hour"}, client={"wrong_codes": "40/hour"})
    greedy = [client_address_from_ip(f"203.{number}.0.1") for number in range(4)]
    with pytest.raises(GlobalLimitReached):
        for number in range(160):
            try_wrong_code(limiter, phone_subject(number), greedy[number % 4])
    try_wrong_code(limiter, phone_subject(1))


def test_an_attacker_with_many_addresses_cannot_empty_the_reserved_share() -> None:
    """A tenth of the modelled attacker's 2,313 addresses, against a tenth of the service's limits: each takes all that it can, and confirms
    nothing."""
    limiter = create_limiter(service={"wrong_codes": "1000/hour", "unverified_domestic": "2000/hour"})
    attackers = [client_address_from_ip(f"11.{number}.0.1") for number in range(231)]
    numbers = count()
    for minute in range(0, 180, 10):
        now = NOW + timedelta(minutes=minute)
        for attacker in attackers:
            with suppress(GlobalLimitReached, RateLimited):
                while request_code(limiter, subject := phone_subject(next(numbers)), attacker, now) is True:
                    try_wrong_code(limiter, subject, attacker, now)
        if minute >= 30:  # by then each address has used up its first six codes
            for number in range(5):
                honest, subject = (
                    client_address_from_ip(f"203.{minute}.{number}.1"),
                    phone_subject(next(numbers)),
                )
                assert request_code(limiter, subject, honest, now) is True
                try_wrong_code(limiter, subject, honest, now)  # mistyped
                try_right_code(limiter, subject, honest, now)


def test_honest_mistakes_never_empty_the_limit_of_the_service() -> None:
    limiter = create_limiter(service={"wrong_codes": "100/hour"})
    for number in range(5000):
        client = client_address_from_ip(f"203.{number % 200}.{number // 200}.1")
        if number % 6 == 0:
            try_wrong_code(limiter, phone_subject(number), client)
        try_right_code(limiter, phone_subject(number), client)


def test_the_spend_cap_stops_messages_and_reserves_some_for_trusted_clients() -> None:
    limiter = create_limiter(
        service={"messages": "100/hour"},
        client={
            "unverified_codes": "100/hour",
            "unverified_codes_per_subnet": "400/hour",
        },
    )
    assert [request_code(limiter, phone_subject(number)) for number in range(80)] == [True] * 75 + [False] * 5
    for number in range(25):
        client = client_address_from_ip(f"203.0.{number}.1")
        assert request_code(limiter, phone_subject(1000 + number), client) is True
    assert request_code(limiter, phone_subject(2000), client_address_from_ip("203.0.200.1")) is False


def test_pumping_of_one_destination_is_stopped_and_other_destinations_are_served() -> None:
    limiter = create_limiter(service={"unverified_international": "10/hour"})
    premium = [LimitSubject("979", f"sms +979{number:09}".encode()) for number in range(20)]
    sent = [
        request_code(limiter, subject, client_address_from_ip(f"203.0.{number}.1"))
        for number, subject in enumerate(premium)
    ]
    assert sent == [True] * 10 + [False] * 10
    assert request_code(limiter, phone_subject(1)) is True
    assert request_code(limiter, LimitSubject("email", b"email a@example.org")) is True


def test_an_undelivered_message_is_refunded() -> None:
    limiter = create_limiter(target={"codes": "1/hour", "codes_per_day": "1/day"})
    assert request_code(limiter, phone_subject(1)) is True
    assert request_code(limiter, phone_subject(1)) is False
    limiter.refund_undelivered(phone_subject(1), now=NOW)
    assert request_code(limiter, phone_subject(1)) is True


def test_every_identifier_of_a_session_has_a_limit_on_value_checks() -> None:
    limiter = create_limiter()
    for _ in range(60):
        limiter.charge_value_check([b"first", b"second"], now=NOW)
    for pseudonyms in ([b"first"], [b"second"], [b"third", b"second"]):
        with pytest.raises(RateLimited) as denied:
            limiter.charge_value_check(pseudonyms, now=NOW)
        assert denied.value.limit_name == "value_checks_per_identifier"
    for _ in range(60):  # the denial charged none of them
        limiter.charge_value_check([b"third"], now=NOW)


def test_dry_run_denies_nothing_and_reports_what_it_would_have_denied() -> None:
    denials: list[str] = []
    limiter = create_limiter(
        dry_run=True, denials=denials, client={"unverified_codes": "3/day"}, target={"codes": "3/hour"}
    )
    assert [request_code(limiter, phone_subject(number)) for number in range(4)] == [True] * 4
    assert denials == ["client.unverified_codes"]
    assert [request_code(limiter, phone_subject(0)) for _ in range(3)] == [True] * 3
    assert denials == ["client.unverified_codes"] * 4 + ["target.codes"]


def test_the_repr_of_a_subject_hides_its_identifier() -> None:
    assert "4242" not in repr(phone_subject(4242))

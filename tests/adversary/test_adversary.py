"""A small attack, and honest people beside it. `python -m benchmarks.adversary` runs the whole one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.rate_limits import load_policy
from tests.adversary.attack_plan import attack
from tests.adversary.code_guessing import guessing
from tests.adversary.honest_users import Tally, Walk, crowd
from tests.adversary.observations import Ledger
from tests.adversary.people import sources
from tests.adversary.sms_pumping import pumping
from tests.adversary.report import Report, report
from tests.adversary.simulation_setup import world
from tests.adversary.simulation import Part, World
from tests.support.permissive_limits import permissive_limits

BY_CHANCE = 1e-6
"""What is less likely than this was no chance."""

MakeWorld = Callable[..., AbstractContextManager[World]]


@pytest.fixture
def rng() -> Random:
    return Random(20260114)


@pytest.fixture
def make_world(tmp_path: Path, sqlite_url: str, keyholder_socket: Path, rng: Random) -> MakeWorld:
    @contextmanager
    def make(people: int = 200, budgets: str | None = None, url: str = sqlite_url, **settings: Any) -> Iterator[World]:
        if budgets is not None:
            settings["limits_file"] = tmp_path / "budgets.toml"
            settings["limits_file"].write_text(budgets)
        with world(tmp_path, url, keyholder_socket, people, rng, **settings) as made:
            yield made

    return make


def run(there: World, rng: Random, tries: int, honest: int) -> Report:
    """Attack with *tries* calls, while so many honest people come."""
    ledger, tally, victim = Ledger(), Tally(), Tally()
    parts = attack(there, ledger, tries, rng)
    people = crowd(there, tally, ledger, honest, rng, within=3600)
    hit = Walk(there, there.victim, "100.127.0.9", victim, ledger, rng)
    there.run([*parts, *people, Part("victim", hit.journey(), begins=1800)])
    return drawn_up(there, ledger, parts, tally, victim)


def drawn_up(
    there: World,
    ledger: Ledger,
    parts: list[Part],
    tally: Tally | None = None,
    victim: Tally | None = None,
    **given: Any,
) -> Report:
    policy = load_policy(there.deployment.settings.limits_file)
    return report(there, ledger, parts, tally or Tally(), victim or Tally(), policy, **given)


def assert_nothing_was_had(came_of_it: Report, honest: int) -> None:
    assert came_of_it.tells == {}
    assert came_of_it.learned == 0
    assert came_of_it.guesses > 0
    assert came_of_it.chance > BY_CHANCE
    assert came_of_it.crowd == 5
    assert came_of_it.checks > 0
    for what, cap in came_of_it.caps.items():
        assert 0 < getattr(came_of_it, what) <= cap, what
    assert came_of_it.honest.begun == honest
    assert came_of_it.honest.gave_up == {}
    assert came_of_it.honest.wrong == 0
    assert came_of_it.finished >= 0.99


def test_an_attack_learns_nothing_and_honest_people_get_through(make_world: MakeWorld, rng: Random) -> None:
    with make_world() as there:
        came_of_it = run(there, rng, tries=1500, honest=30)
    assert came_of_it.made() == 1500
    assert came_of_it.about == 200
    assert_nothing_was_had(came_of_it, 30)


def test_the_same_where_budgets_are_shared(
    make_world: MakeWorld, rng: Random, fresh_postgresql_url: str, valkey_url: str
) -> None:
    with make_world(url=fresh_postgresql_url, redis_url=valkey_url) as there:
        came_of_it = run(there, rng, tries=1000, honest=20)
    assert_nothing_was_had(came_of_it, 20)


def test_codes_are_guessed_as_often_as_chance_has_it(
    make_world: MakeWorld, rng: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Codes of two digits, so that guesses do hit: each reuse or second chance would show."""
    monkeypatch.setattr("app.verification.service.CODE_LENGTH", 2)
    with make_world(budgets=permissive_limits()) as there:
        ledger = Ledger()
        parts = [Part("guessing", guessing(there, ledger, sources(rng), rng, digits=2), gap=1.0, tries=1500)]
        there.run(parts)
        came_of_it = drawn_up(there, ledger, parts, digits=2)
    assert came_of_it.guessed > 0
    assert came_of_it.chance > BY_CHANCE
    assert came_of_it.crowd == 5


def test_wrong_codes_of_all_addresses_together_are_stopped(make_world: MakeWorld, rng: Random) -> None:
    budgets = permissive_limits({"service.wrong_codes": "60/hour"})
    with make_world(budgets=budgets) as there:
        ledger = Ledger()
        parts = [Part("guessing", guessing(there, ledger, sources(rng), rng), gap=0.5, tries=600)]
        there.run(parts)
    assert 60 <= len(ledger.guesses) <= 60 + 600 * 0.5 / 60 + 1
    assert parts[0].statuses[503] > 0


def test_messages_of_all_addresses_together_are_stopped(make_world: MakeWorld, rng: Random) -> None:
    budgets = permissive_limits({"service.unverified_domestic": "60/hour", "target.codes": "10/hour"})
    with make_world(budgets=budgets) as there:
        ledger = Ledger()
        parts = [Part("pumping", pumping(there, ledger, sources(rng)), gap=0.5, tries=400)]
        there.run(parts)
        came_of_it = drawn_up(there, ledger, parts)
    assert 60 <= came_of_it.messages <= came_of_it.caps["busiest_hour"]
    assert came_of_it.victim_hour <= 20
    assert set(came_of_it.refusals) == {"target.codes", "service.unverified_domestic"}
    assert parts[0].statuses[429] == 0  # nobody is told


def test_without_budgets_it_shows(make_world: MakeWorld, rng: Random) -> None:
    with make_world(budgets=permissive_limits()) as there:
        ledger = Ledger()
        parts = [Part("pumping", pumping(there, ledger, sources(rng)), gap=0.5, tries=400)]
        there.run(parts)
    assert len(there.inbox[there.victim.phone]) > 20

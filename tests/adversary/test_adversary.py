"""A small attack with honest users beside it. `python -m benchmarks.adversary` runs the full one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.rate_limits import load_policy
from simulation.attack_plan import create_attack
from simulation.code_guessing import guess_codes
from simulation.honest_users import HonestUser, HonestUserStats, create_honest_users
from simulation.observations import ObservationLog
from simulation.people import attacker_addresses
from simulation.report import Report, build_report
from simulation.run import Participant, Simulation
from simulation.setup import open_simulation
from simulation.sms_pumping import pump_messages
from tests.support.permissive_limits import permissive_limits

pytestmark = pytest.mark.slow

MIN_PROBABILITY = 1e-6
"""An outcome that is less likely than this is not explained by chance."""

CreateSimulation = Callable[..., AbstractContextManager[Simulation]]


@pytest.fixture
def rng() -> Random:
    return Random(20260114)


@pytest.fixture
def create_simulation(tmp_path: Path, sqlite_url: str, keyholder_socket: Path, rng: Random) -> CreateSimulation:
    @contextmanager
    def create(
        people_count: int = 200, limits: str | None = None, url: str = sqlite_url, **settings: Any
    ) -> Iterator[Simulation]:
        if limits is not None:
            # not limits.toml: the deployment writes its defaults there
            settings["limits_file"] = tmp_path / "small-limits.toml"
            settings["limits_file"].write_text(limits)
        with open_simulation(tmp_path, url, keyholder_socket, people_count, rng, **settings) as simulation:
            yield simulation

    return create


def run_attack(simulation: Simulation, rng: Random, call_count: int, honest_count: int) -> Report:
    """Attack with *call_count* calls while so many honest users arrive."""
    log, stats, victim_stats = ObservationLog(), HonestUserStats(), HonestUserStats()
    attackers = create_attack(simulation, log, call_count, rng)
    honest_users = create_honest_users(simulation, stats, log, honest_count, rng, within=3600)
    victim = HonestUser(simulation, simulation.victim, "100.127.0.9", victim_stats, log, rng)
    simulation.run([*attackers, *honest_users, Participant("victim", victim.script(), starts_at=1800)])
    return create_report(simulation, log, attackers, stats, victim_stats)


def create_report(
    simulation: Simulation,
    log: ObservationLog,
    attackers: list[Participant],
    honest_users: HonestUserStats | None = None,
    victim: HonestUserStats | None = None,
    **options: Any,
) -> Report:
    policy = load_policy(simulation.deployment.settings.limits_file)
    honest_users, victim = honest_users or HonestUserStats(), victim or HonestUserStats()
    return build_report(simulation, log, attackers, honest_users, victim, policy, **options)


def assert_attack_failed(report: Report, honest_count: int) -> None:
    assert report.distinguishing_features == {}
    assert report.learned == 0
    assert report.guesses > 0
    assert report.guess_probability > MIN_PROBABILITY
    assert report.max_parallel_guesses == 5
    assert report.value_checks > 0
    for name, maximum in report.maxima.items():
        assert 0 < getattr(report, name) <= maximum, name
    assert report.honest_users.started == honest_count
    assert report.honest_users.gave_up == {}
    assert report.honest_users.wrong_answers == 0
    assert report.finished_share >= 0.99


def test_an_attack_learns_nothing_and_honest_users_finish(create_simulation: CreateSimulation, rng: Random) -> None:
    with create_simulation() as simulation:
        report = run_attack(simulation, rng, call_count=1500, honest_count=30)
    assert report.count_calls() == 1500
    assert report.targets == 200
    assert_attack_failed(report, 30)


def test_an_attack_learns_nothing_where_limits_are_shared_in_redis(
    create_simulation: CreateSimulation, rng: Random, fresh_postgresql_url: str, valkey_url: str
) -> None:
    with create_simulation(url=fresh_postgresql_url, redis_url=valkey_url) as simulation:
        report = run_attack(simulation, rng, call_count=1000, honest_count=20)
    assert_attack_failed(report, 20)


def test_codes_are_guessed_no_more_often_than_chance_explains(
    create_simulation: CreateSimulation, rng: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Codes have two digits here, so that guesses do succeed: any reuse or extra attempt would show."""
    monkeypatch.setattr("app.verification.service.CODE_LENGTH", 2)
    with create_simulation(limits=permissive_limits()) as simulation:
        log = ObservationLog()
        script = guess_codes(simulation, log, attacker_addresses(rng), rng, digits=2)
        attackers = [Participant("guessing", script, call_interval=1.0, max_calls=1500)]
        simulation.run(attackers)
        report = create_report(simulation, log, attackers, digits=2)
    assert report.correct_guesses > 0
    assert report.guess_probability > MIN_PROBABILITY
    assert report.max_parallel_guesses == 5


def test_wrong_codes_of_all_addresses_together_are_limited(create_simulation: CreateSimulation, rng: Random) -> None:
    limits = permissive_limits({"service.wrong_codes": "60/hour"})
    with create_simulation(limits=limits) as simulation:
        log = ObservationLog()
        script = guess_codes(simulation, log, attacker_addresses(rng), rng)
        attackers = [Participant("guessing", script, call_interval=0.5, max_calls=600)]
        simulation.run(attackers)
    assert 60 <= len(log.guess_times) <= 60 + 600 * 0.5 / 60 + 1
    assert attackers[0].statuses[503] > 0


def test_messages_of_all_addresses_together_are_limited(create_simulation: CreateSimulation, rng: Random) -> None:
    limits = permissive_limits({"service.unverified_domestic": "60/hour", "target.codes": "10/hour"})
    with create_simulation(limits=limits) as simulation:
        log = ObservationLog()
        script = pump_messages(simulation, log, attacker_addresses(rng))
        attackers = [Participant("pumping", script, call_interval=0.5, max_calls=400)]
        simulation.run(attackers)
        report = create_report(simulation, log, attackers)
    assert 60 <= report.messages <= report.maxima["max_messages_per_hour"]
    assert report.max_messages_per_person_hour <= 20
    assert set(report.denials) == {"target.codes", "service.unverified_domestic"}
    assert attackers[0].statuses[429] == 0  # these denials are silent


def test_without_limits_the_pumping_succeeds(create_simulation: CreateSimulation, rng: Random) -> None:
    with create_simulation(limits=permissive_limits()) as simulation:
        script = pump_messages(simulation, ObservationLog(), attacker_addresses(rng))
        simulation.run([Participant("pumping", script, call_interval=0.5, max_calls=400)])
    assert len(simulation.inbox[simulation.victim.phone]) > 20

"""The cost that fits, on machines that are made up; and that the real one can be measured at all."""

import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto import calibration
from app.crypto.calibration import (
    CANDIDATE_COSTS,
    Calibration,
    CannotFit,
    CostEstimate,
    calibrate,
    identifiers,
    measure,
)
from app.crypto.stretching import COST_PROFILES, Argon2Cost, parse_cost

Machine = Callable[[Argon2Cost], float]


def steady(overhead: float, per_kib: float) -> Machine:
    """A machine on which each pass over a KiB takes the same time."""
    return lambda cost: overhead + per_kib * cost.passes * cost.memory_kib


machines = st.builds(steady, st.floats(0, 1e-3), st.floats(1e-8, 1e-4))
moody = st.lists(st.floats(1e-6, 10), min_size=len(CANDIDATE_COSTS), max_size=len(CANDIDATE_COSTS)).map(
    lambda found: lambda cost: dict(zip(CANDIDATE_COSTS, found, strict=True)).get(cost, 1.0)
)
accounts = st.integers(1, 10**10)
cores = st.integers(1, 10**6)
hours = st.floats(1e-6, 1e6)


def rung(**given: object) -> int:
    """How far up the ladder; -1 where nothing fits."""
    try:
        return CANDIDATE_COSTS.index(calibrate(**given).chosen.cost)  # type: ignore[arg-type]
    except CannotFit:
        return -1


def test_the_ladder_rises_from_the_least_by_memory_first() -> None:
    assert CANDIDATE_COSTS[0] == COST_PROFILES["minimal"]
    assert COST_PROFILES["default"] in CANDIDATE_COSTS
    assert CANDIDATE_COSTS[-1] == Argon2Cost(16, 64 * 1024)
    spent = [cost.passes * cost.memory_kib for cost in CANDIDATE_COSTS]
    assert spent == sorted(set(spent))
    assert all(cost.passes == 1 or cost.memory_kib == 64 * 1024 for cost in CANDIDATE_COSTS)
    assert all(later <= 1.5 * earlier for earlier, later in pairwise(spent[:27]))
    assert [parse_cost(str(cost)) for cost in CANDIDATE_COSTS] == list(CANDIDATE_COSTS)  # what is printed can be used


@given(machines, accounts, cores, hours, st.floats(1, 100))
def test_more_hours_never_mean_a_cheaper_cost(
    machine: Machine, accounts: int, cores: int, hours: float, times: float
) -> None:
    fewer = rung(accounts=accounts, cores=cores, hours=hours, measure=machine)
    assert fewer <= rung(accounts=accounts, cores=cores, hours=hours * times, measure=machine)


@given(machines, accounts, cores, hours, st.integers(0, 1000))
def test_more_cores_never_mean_a_cheaper_cost(
    machine: Machine, accounts: int, cores: int, hours: float, more: int
) -> None:
    fewer = rung(accounts=accounts, cores=cores, hours=hours, measure=machine)
    assert fewer <= rung(accounts=accounts, cores=cores + more, hours=hours, measure=machine)


@given(machines, accounts, cores, hours, st.integers(0, 10**9))
def test_more_accounts_never_mean_a_dearer_cost(
    machine: Machine, accounts: int, cores: int, hours: float, more: int
) -> None:
    fewer = rung(accounts=accounts, cores=cores, hours=hours, measure=machine)
    assert fewer >= rung(accounts=accounts + more, cores=cores, hours=hours, measure=machine)


@given(st.one_of(machines, moody), accounts, cores, hours)
def test_what_is_recommended_fits_and_the_next_step_would_not(
    machine: Machine, accounts: int, cores: int, hours: float
) -> None:
    def price(cost: Argon2Cost) -> CostEstimate:
        return CostEstimate.of(cost, machine(cost), accounts=accounts, cores=cores)

    try:
        found = calibrate(accounts=accounts, cores=cores, hours=hours, measure=machine)
    except CannotFit:
        assert price(CANDIDATE_COSTS[0]).import_hours > hours
        return
    assert found.recommended == price(found.recommended.cost)
    assert found.recommended.import_hours <= hours
    following = CANDIDATE_COSTS.index(found.recommended.cost) + 1
    assert following == len(CANDIDATE_COSTS) or price(CANDIDATE_COSTS[following]).import_hours > hours
    assert found.profiles == {name: price(cost) for name, cost in COST_PROFILES.items()}


@pytest.mark.parametrize("hours", [0.0, -1.0])
def test_no_time_fits_nothing(hours: float) -> None:
    assert rung(accounts=1, cores=1, hours=hours, measure=steady(1e-5, 1e-9)) == -1


@pytest.fixture
def sealing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time of the test's own, so that a faster import changes no test."""
    monkeypatch.setattr(calibration, "OVERHEAD_SECONDS_PER_IDENTIFIER", 200e-6)


@pytest.mark.usefixtures("sealing")
def test_the_arithmetic_by_hand() -> None:
    """A digest of 0.8 ms; with the rest of the sealing 1 ms for each of 1,850,000 identifiers: 925 s on two cores, and the headroom on top."""
    assert identifiers(1_000_000) == 1_850_000
    priced = CostEstimate.of(Argon2Cost(1, 2048), 0.8e-3, accounts=1_000_000, cores=2)
    assert priced.import_hours == pytest.approx(925 / 0.85 / 3600)
    assert priced.attack_core_hours == pytest.approx(10**8 * 0.8e-3 / 3600)  # 22.2, whatever the cores
    assert priced.attack_days == pytest.approx(10**8 * 0.8e-3 / 86400 / 2)  # less than half a day


@pytest.mark.usefixtures("sealing")
def test_what_does_not_fit_says_how_long_it_takes_and_that_is_enough() -> None:
    job = {"accounts": 33_673_817, "cores": 2, "measure": steady(20e-6, 1e-6)}
    with pytest.raises(CannotFit, match=r"^--hours: too few: even the lowest cost, 1:8, takes 2\.33 hours$"):
        calibrate(hours=1.0, **job)  # type: ignore[arg-type]
    assert rung(hours=2.33, **job) == 0
    assert rung(hours=2.32, **job) == -1


def test_each_cost_is_measured_once_and_few_are() -> None:
    asked: list[Argon2Cost] = []

    def counted(cost: Argon2Cost) -> float:
        asked.append(cost)
        return steady(1e-5, 1e-6)(cost)

    calibrate(accounts=1000, cores=1, hours=1.0, measure=counted)
    assert len(asked) == len(set(asked))
    assert len(asked) <= math.ceil(math.log2(len(CANDIDATE_COSTS) + 1)) + len(COST_PROFILES)


def test_a_calibration_is_not_changed() -> None:
    found: Calibration = calibrate(accounts=1, cores=1, hours=1.0, measure=steady(1e-5, 1e-6))
    with pytest.raises(FrozenInstanceError):
        found.recommended = found.profiles["minimal"]  # type: ignore[misc]


@pytest.mark.parametrize("threads", [1, 2])
def test_this_machine_can_be_measured(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "MEASURING_SECONDS", 0.0)
    monkeypatch.setattr(calibration, "BATCH_SECONDS", 0.0)
    assert measure(COST_PROFILES["minimal"], threads=threads) > 0

"""Choosing the cost, on simulated linear_machines; and that the real machine can be measured."""

import math
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
    MeasureCost,
    calibrate,
    count_identifiers,
    measure_digest_seconds,
)
from app.crypto.stretching import COST_PROFILES, Argon2Cost, parse_cost


def linear_machine(overhead: float, per_kib: float) -> MeasureCost:
    """Return a simulated machine on which each pass over a KiB takes the same time."""
    return lambda cost: overhead + per_kib * cost.passes * cost.memory_kib


linear_machines = st.builds(linear_machine, st.floats(0, 1e-3), st.floats(1e-8, 1e-4))
erratic_machines = st.lists(st.floats(1e-6, 10), min_size=len(CANDIDATE_COSTS), max_size=len(CANDIDATE_COSTS)).map(
    lambda seconds: lambda cost: dict(zip(CANDIDATE_COSTS, seconds, strict=True)).get(cost, 1.0)
)
accounts = st.integers(1, 10**10)
cores = st.integers(1, 10**6)
hours = st.floats(1e-6, 1e6)


def recommended_index(*, accounts: int, cores: int, hours: float, measure: MeasureCost) -> int:
    """Return the index of the recommended cost among the candidates; -1 if none fits."""
    try:
        result = calibrate(accounts=accounts, cores=cores, hours=hours, measure=measure)
    except CannotFit:
        return -1
    return CANDIDATE_COSTS.index(result.recommended.cost)


def test_candidate_costs_ascend_from_the_minimum_memory_first() -> None:
    assert CANDIDATE_COSTS[0] == COST_PROFILES["minimal"]
    assert COST_PROFILES["default"] in CANDIDATE_COSTS
    assert CANDIDATE_COSTS[-1] == Argon2Cost(16, 64 * 1024)
    work = [cost.passes * cost.memory_kib for cost in CANDIDATE_COSTS]
    assert work == sorted(set(work))
    assert all(cost.passes == 1 or cost.memory_kib == 64 * 1024 for cost in CANDIDATE_COSTS)
    assert all(later <= 1.5 * earlier for earlier, later in pairwise(work[:27]))
    assert [parse_cost(str(cost)) for cost in CANDIDATE_COSTS] == list(
        CANDIDATE_COSTS
    )  # the printed form is a valid option


@given(linear_machines, accounts, cores, hours, st.floats(1, 100))
def test_more_hours_never_recommend_a_lower_cost(
    machine: MeasureCost, accounts: int, cores: int, hours: float, factor: float
) -> None:
    baseline = recommended_index(accounts=accounts, cores=cores, hours=hours, measure=machine)
    assert baseline <= recommended_index(accounts=accounts, cores=cores, hours=hours * factor, measure=machine)


@given(linear_machines, accounts, cores, hours, st.integers(0, 1000))
def test_more_cores_never_recommend_a_lower_cost(
    machine: MeasureCost, accounts: int, cores: int, hours: float, more: int
) -> None:
    baseline = recommended_index(accounts=accounts, cores=cores, hours=hours, measure=machine)
    assert baseline <= recommended_index(accounts=accounts, cores=cores + more, hours=hours, measure=machine)


@given(linear_machines, accounts, cores, hours, st.integers(0, 10**9))
def test_more_accounts_never_recommend_a_higher_cost(
    machine: MeasureCost, accounts: int, cores: int, hours: float, more: int
) -> None:
    baseline = recommended_index(accounts=accounts, cores=cores, hours=hours, measure=machine)
    assert baseline >= recommended_index(accounts=accounts + more, cores=cores, hours=hours, measure=machine)


@given(st.one_of(linear_machines, erratic_machines), accounts, cores, hours)
def test_the_recommended_cost_fits_and_the_next_one_does_not(
    machine: MeasureCost, accounts: int, cores: int, hours: float
) -> None:
    def estimate(cost: Argon2Cost) -> CostEstimate:
        return CostEstimate.compute(cost, machine(cost), accounts=accounts, cores=cores)

    try:
        result = calibrate(accounts=accounts, cores=cores, hours=hours, measure=machine)
    except CannotFit:
        assert estimate(CANDIDATE_COSTS[0]).import_hours > hours
        return
    assert result.recommended == estimate(result.recommended.cost)
    assert result.recommended.import_hours <= hours
    next_index = CANDIDATE_COSTS.index(result.recommended.cost) + 1
    assert next_index == len(CANDIDATE_COSTS) or estimate(CANDIDATE_COSTS[next_index]).import_hours > hours
    assert result.profiles == {name: estimate(cost) for name, cost in COST_PROFILES.items()}


@pytest.mark.parametrize("hours", [0.0, -1.0])
def test_nothing_fits_zero_or_negative_hours(hours: float) -> None:
    assert recommended_index(accounts=1, cores=1, hours=hours, measure=linear_machine(1e-5, 1e-9)) == -1


@pytest.fixture
def fixed_overhead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fix the overhead, so that a faster import does not change a test."""
    monkeypatch.setattr(calibration, "OVERHEAD_SECONDS_PER_IDENTIFIER", 200e-6)


@pytest.mark.usefixtures("fixed_overhead")
def test_cost_estimate_matches_manual_arithmetic() -> None:
    """0.8 ms for a digest and 0.2 ms of overhead, for 1,850,000 identifiers: 925 s on two cores, plus the headroom."""
    assert count_identifiers(1_000_000) == 1_850_000
    estimate = CostEstimate.compute(Argon2Cost(1, 2048), 0.8e-3, accounts=1_000_000, cores=2)
    assert estimate.import_hours == pytest.approx(925 / 0.85 / 3600)
    assert estimate.attack_core_hours == pytest.approx(10**8 * 0.8e-3 / 3600)  # 22.2, independent of the cores
    assert estimate.attack_days == pytest.approx(10**8 * 0.8e-3 / 86400 / 2)  # less than half a day


@pytest.mark.usefixtures("fixed_overhead")
def test_cannot_fit_names_the_hours_that_are_enough() -> None:
    accounts, machine = 33_673_817, linear_machine(20e-6, 1e-6)
    with pytest.raises(CannotFit, match=r"^--hours: too few: even the lowest cost, 1:8, takes 2\.33 hours$"):
        calibrate(accounts=accounts, cores=2, hours=1.0, measure=machine)
    assert recommended_index(accounts=accounts, cores=2, hours=2.33, measure=machine) == 0
    assert recommended_index(accounts=accounts, cores=2, hours=2.32, measure=machine) == -1


def test_few_costs_are_measured_each_once() -> None:
    measured_costs: list[Argon2Cost] = []

    def count_measurements(cost: Argon2Cost) -> float:
        measured_costs.append(cost)
        return linear_machine(1e-5, 1e-6)(cost)

    calibrate(accounts=1000, cores=1, hours=1.0, measure=count_measurements)
    assert len(measured_costs) == len(set(measured_costs))
    assert len(measured_costs) <= math.ceil(math.log2(len(CANDIDATE_COSTS) + 1)) + len(COST_PROFILES)


def test_a_calibration_is_immutable() -> None:
    result: Calibration = calibrate(accounts=1, cores=1, hours=1.0, measure=linear_machine(1e-5, 1e-6))
    with pytest.raises(FrozenInstanceError):
        result.recommended = result.profiles["minimal"]  # type: ignore[misc]


@pytest.mark.parametrize("threads", [1, 2])
def test_this_machine_can_be_measured(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "MEASUREMENT_SECONDS", 0.0)
    monkeypatch.setattr(calibration, "BATCH_SECONDS", 0.0)
    assert measure_digest_seconds(COST_PROFILES["minimal"], threads=threads) > 0

"""`exposure calibrate`: its output for a simulated machine, and what it refuses."""

import json
import os
from importlib import import_module
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.cli import commands
from app.crypto import calibration
from app.crypto.stretching import Argon2Cost

OPTIONS = ("--accounts", "33673817", "--cores", "2", "--hours", "4")


@pytest.fixture
def measured_threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Simulate a machine with four cores and 0.4 µs per KiB; return the thread count of each measurement."""
    thread_counts: list[int] = []

    def measure(cost: Argon2Cost, *, threads: int) -> float:
        thread_counts.append(threads)
        return 20e-6 + 0.4e-6 * cost.passes * cost.memory_kib

    monkeypatch.setattr(import_module("app.cli.calibrate"), "measure_digest_seconds", measure)
    monkeypatch.setattr(calibration, "OVERHEAD_SECONDS_PER_IDENTIFIER", 200e-6)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    return thread_counts


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(commands, ["calibrate", *arguments])
    assert result.exit_code == code, result.output
    return result


def run_as_json(*arguments: str) -> dict[str, Any]:
    (line,) = run(*arguments, "--json").stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_json_output(measured_threads: list[int]) -> None:
    found = run_as_json(*OPTIONS)
    assert set(measured_threads) == {2}
    assert (found["event"], found["cost"]) == ("calibrated", "1:384")
    assert "profile" not in found
    assert (found["accounts"], found["cores"], found["measured_cores"], found["hours"]) == (33_673_817, 2, 2, 4.0)
    assert found["identifiers"] == 62_296_562
    assert found["digest_ms"] == pytest.approx(0.1736)
    assert 3 < found["import_hours"] <= 4
    assert found["attack_core_hours"] == pytest.approx(10**8 * 0.1736e-3 / 3600)
    assert found["attack_days"] == pytest.approx(found["attack_core_hours"] / 48)
    assert {name: profile["cost"] for name, profile in found["profiles"].items()} == {
        "minimal": "1:8",
        "default": "1:1024",
        "strong": "2:19456",
    }
    for profile in found["profiles"].values():
        assert {"digest_ms", "import_hours", "attack_core_hours", "attack_days"} <= set(profile)


def test_text_output_names_the_option_and_the_attack_cost(measured_threads: list[int]) -> None:
    output = run(*OPTIONS).stdout
    assert output.startswith("--cost 1:384 (Argon2id: passes 1, memory 384 KiB, lanes 1)\n")
    for name in ("this fits  1:384 ", "minimal    1:8 ", "default    1:1024 ", "strong     2:19456 "):
        assert f"\n  {name}" in output
    assert "ALL keys (pepper and store keys)" in output
    assert "4.82 core-hours: 0.1 days" in output
    assert (
        "Nothing else protects the phone numbers from such an attacker: no confidentiality is claimed in this case"
        in output
    )
    assert "Measured with" not in output


def test_profile_is_named(measured_threads: list[int]) -> None:
    options = ("--accounts", "33673817", "--cores", "2", "--hours", "7")
    assert run(*options).stdout.startswith("--cost 1:1024, the profile default (")
    assert (run_as_json(*options)["cost"], run_as_json(*options)["profile"]) == ("1:1024", "default")


def test_output_states_when_the_machine_has_fewer_cores(measured_threads: list[int]) -> None:
    options = ("--accounts", "33673817", "--cores", "64", "--hours", "4")
    assert (
        "Measured with the 4 cores of this machine. The other cores are assumed to be as fast.\n"
        in run(*options).stdout
    )
    assert (run_as_json(*options)["cores"], run_as_json(*options)["measured_cores"]) == (64, 4)
    assert set(measured_threads) == {4}


def test_impossible_time_limit_is_exit_code_2(measured_threads: list[int]) -> None:
    result = run("--accounts", "33673817", "--cores", "2", "--hours", "1", "--json", code=2)
    assert result.stdout == ""
    assert result.stderr == "--hours: too few: even the lowest cost, 1:8, takes 2.28 hours\n"


INVALID_OPTIONS = [
    ("--accounts", "0"),
    ("--accounts", "-1"),
    ("--accounts", "9" * 400),
    ("--cores", "0"),
    ("--cores", "9" * 400),
    ("--hours", "-1"),
    ("--hours", "0"),
    ("--hours", "nan"),
    ("--hours", "inf"),
    ("--hours", "sesame"),
]


@pytest.mark.parametrize(("option", "value"), INVALID_OPTIONS)
def test_invalid_option_is_exit_code_2_without_measurement(
    option: str, value: str, measured_threads: list[int]
) -> None:
    result = run(*OPTIONS, option, value, code=2)
    assert option in result.stderr
    assert result.stdout == ""
    assert measured_threads == []

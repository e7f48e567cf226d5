"""`exposure calibrate`: what it says of a machine that is made up, and what it refuses."""

import json
import os
from importlib import import_module
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.crypto import calibration
from app.crypto.stretching import Argon2Cost
from app.faces.cli import commands

BREACH = ("--accounts", "33673817", "--cores", "2", "--hours", "4")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Threads of each measurement, on a machine of four cores with 0.4 µs for a KiB."""
    threads_of: list[int] = []

    def measure(cost: Argon2Cost, *, threads: int) -> float:
        threads_of.append(threads)
        return 20e-6 + 0.4e-6 * cost.passes * cost.memory_kib

    monkeypatch.setattr(import_module("app.faces.cli.calibrate"), "measure_digest_seconds", measure)
    monkeypatch.setattr(calibration, "OVERHEAD_SECONDS_PER_IDENTIFIER", 200e-6)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    return threads_of


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(commands, ["calibrate", *arguments])
    assert result.exit_code == code, result.output
    return result


def told(*arguments: str) -> dict[str, Any]:
    (line,) = run(*arguments, "--json").stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_one_object_for_machines(asked: list[int]) -> None:
    found = told(*BREACH)
    assert set(asked) == {2}
    assert (found["event"], found["cost"]) == ("calibrated", "1:384")
    assert "profile" not in found
    assert (found["accounts"], found["cores"], found["measured_cores"], found["hours"]) == (33_673_817, 2, 2, 4.0)
    assert found["identifiers"] == 62_296_562
    assert found["digest_ms"] == pytest.approx(0.1736)
    assert 3 < found["import_hours"] <= 4
    assert found["attack_core_hours"] == pytest.approx(10**8 * 0.1736e-3 / 3600)
    assert found["attack_days"] == pytest.approx(found["attack_core_hours"] / 48)
    assert {name: one["cost"] for name, one in found["profiles"].items()} == {
        "minimal": "1:8",
        "default": "1:1024",
        "strong": "2:19456",
    }
    for one in found["profiles"].values():
        assert {"digest_ms", "import_hours", "attack_core_hours", "attack_days"} <= set(one)


def test_for_people_it_names_the_option_and_hides_nothing(asked: list[int]) -> None:
    said = run(*BREACH).stdout
    assert said.startswith("--cost 1:384 (Argon2id: passes 1, memory 384 KiB, lanes 1)\n")
    for name in ("this fits  1:384 ", "minimal    1:8 ", "default    1:1024 ", "strong     2:19456 "):
        assert f"\n  {name}" in said
    assert "ALL keys (pepper and store keys)" in said
    assert "4.82 core-hours: 0.1 days" in said
    assert "the only thing between such a thief and the phone numbers: no confidentiality is claimed here" in said
    assert "Cores here" not in said


def test_a_profile_is_called_by_its_name(asked: list[int]) -> None:
    options = ("--accounts", "33673817", "--cores", "2", "--hours", "7")
    assert run(*options).stdout.startswith("--cost 1:1024, the profile default (")
    assert (told(*options)["cost"], told(*options)["profile"]) == ("1:1024", "default")


def test_it_says_when_fewer_cores_are_here_than_were_asked_for(asked: list[int]) -> None:
    options = ("--accounts", "33673817", "--cores", "64", "--hours", "4")
    assert "Cores here, and measured: 4. The others are taken to be as fast.\n" in run(*options).stdout
    assert (told(*options)["cores"], told(*options)["measured_cores"]) == (64, 4)
    assert set(asked) == {4}


def test_what_does_not_fit_is_exit_code_two(asked: list[int]) -> None:
    result = run("--accounts", "33673817", "--cores", "2", "--hours", "1", "--json", code=2)
    assert result.stdout == ""
    assert result.stderr == "--hours: too few: even the lowest cost, 1:8, takes 2.28 hours\n"


BAD = [
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


@pytest.mark.parametrize(("option", "value"), BAD)
def test_bad_options_are_exit_code_two_and_nothing_is_measured(option: str, value: str, asked: list[int]) -> None:
    result = run(*BREACH, option, value, code=2)
    assert option in result.stderr
    assert result.stdout == ""
    assert asked == []

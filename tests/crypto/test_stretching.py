"""Argon2 costs: parsing, printing, and refusing invalid ones."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.stretching import COST_PROFILES, Argon2Cost, parse_cost, profile_name
from app.errors import InvalidInput

GIB = 1024 * 1024


@given(st.integers(1, 16), st.integers(8, 4 * GIB))
def test_parsing_reverses_printing(passes: int, memory_kib: int) -> None:
    assert parse_cost(f"{passes}:{memory_kib}") == Argon2Cost(passes, memory_kib)
    assert str(Argon2Cost(passes, memory_kib)) == f"{passes}:{memory_kib}"


@pytest.mark.parametrize("name", COST_PROFILES)
def test_profiles_are_found_by_name_and_by_cost(name: str) -> None:
    assert parse_cost(name) == COST_PROFILES[name]
    assert profile_name(parse_cost(str(COST_PROFILES[name]))) == name


def test_other_costs_have_no_profile_name() -> None:
    assert profile_name(Argon2Cost(1, 512)) is None


OUT_OF_RANGE = ["0:512", "17:512", "1:7", f"1:{4 * GIB + 1}"]
MALFORMED = [
    "",
    "1",
    ":",
    "1:",
    ":512",
    "1:512:1",
    "1:512KiB",
    " 1:512",
    "1:512\n",
    "-1:512",
    "+1:512",
    "1:5e2",
    "01:512",
]
MALFORMED += ["1:0512", "1:5_12", "1.0:512", "\u0661:512", "1\uff1a512", "Default", "sesame", "9" * 10_000 + ":512"]


@pytest.mark.parametrize("text", OUT_OF_RANGE + MALFORMED)
def test_an_invalid_cost_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(
        InvalidInput, match=r"^--cost: must be one of minimal, default, strong, or PASSES:KIB"
    ) as caught:
        parse_cost(text)
    assert "sesame" not in str(caught.value)


@given(st.text())
def test_any_text_parses_or_raises_bad_input(text: str) -> None:
    try:
        assert str(parse_cost(text)) in (text, str(COST_PROFILES.get(text)))
    except InvalidInput:
        assert text not in COST_PROFILES


def test_lack_of_memory_raises_unavailable() -> None:
    program = """
import resource
from app.crypto.stretching import Argon2Cost, KdfParams
from app.errors import DependencyUnavailable
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
try:
    KdfParams.generate(Argon2Cost(1, 4 * 1024 * 1024)).stretch(bytes(32))
except DependencyUnavailable as error:
    print(error)
"""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert process.stdout == "Argon2id cannot allocate 4,194,304 KiB of memory\n"

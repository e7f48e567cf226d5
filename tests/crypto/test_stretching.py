"""The cost of the stretch: how it is spelt, and what is no cost."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.stretching import COST_PROFILES, Argon2Cost, parse_cost, profile_name
from app.errors import InvalidInput

GIB = 1024 * 1024


@given(st.integers(1, 16), st.integers(8, 4 * GIB))
def test_a_cost_is_read_as_it_is_spelt(time: int, memory_kib: int) -> None:
    assert parse_cost(f"{time}:{memory_kib}") == Argon2Cost(time, memory_kib)
    assert str(Argon2Cost(time, memory_kib)) == f"{time}:{memory_kib}"


@pytest.mark.parametrize("name", COST_PROFILES)
def test_a_profile_is_known_by_name_and_by_cost(name: str) -> None:
    assert parse_cost(name) == COST_PROFILES[name]
    assert profile_name(parse_cost(str(COST_PROFILES[name]))) == name


def test_no_other_cost_is_a_profile() -> None:
    assert profile_name(Argon2Cost(1, 512)) is None


OUTSIDE = ["0:512", "17:512", "1:7", f"1:{4 * GIB + 1}"]
MISSPELT = [
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
MISSPELT += ["1:0512", "1:5_12", "1.0:512", "\u0661:512", "1\uff1a512", "Default", "sesame", "9" * 10_000 + ":512"]


@pytest.mark.parametrize("text", OUTSIDE + MISSPELT)
def test_what_is_no_cost_is_not_repeated(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^--cost: must be one of minimal, default, strong, or TIME:KIB") as refused:
        parse_cost(text)
    assert "sesame" not in str(refused.value)


@given(st.text())
def test_any_text_ends_in_a_cost_or_the_one_error(text: str) -> None:
    try:
        assert str(parse_cost(text)) in (text, str(COST_PROFILES.get(text)))
    except InvalidInput:
        assert text not in COST_PROFILES


def test_memory_that_is_not_there_is_no_stray_error() -> None:
    program = """
import resource
from app.crypto.stretching import Cost, Scheme
from app.errors import DependencyUnavailable
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
try:
    Scheme.generate(Cost(1, 4 * 1024 * 1024)).stretch(bytes(32))
except DependencyUnavailable as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert ran.stdout == "Argon2id finds no 4,194,304 KiB of memory\n"

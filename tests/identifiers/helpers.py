"""Shared by the tests of app.identifiers: strategies, and checks for every refusal and every mask."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.identifiers import MalformedValue, ValueKind, canonicalize, mask

no_deadline = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

KINDS: tuple[ValueKind, ...] = ("email", "phone", "name", "address")

INVISIBLE_CHARS = ["\u200b", "\ufeff", "\u2060", "\u200c", "\u200d", "\u00ad", "\u202a", "\u202c", "\ufe0f", "\u3164"]
SPACES = [" ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u2028", "\u3000"]


def refusal(kind: ValueKind, text: str) -> MalformedValue:
    """Return the error that canonicalizing *text* raises."""
    with pytest.raises(MalformedValue) as caught:
        canonicalize(kind, text)
    return caught.value


def full_width(text: str) -> str:
    """Return the full-width form of ASCII text."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


RESPELLINGS: list[Callable[[str], str]] = [str, str.upper, str.title, full_width]
"""Changes of case or width that keep a value the same."""


def with_noise(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return a strategy that adds white space around the text and an invisible character inside."""
    padding = st.lists(st.sampled_from(SPACES + INVISIBLE_CHARS), max_size=3).map("".join)

    def add_noise(drawn: tuple[str, str, str, int, str]) -> str:
        plain, before, after, index, invisible = drawn
        index %= len(plain) + 1
        return before + plain[:index] + invisible + plain[index:] + after

    invisible_chars = st.sampled_from(["", *INVISIBLE_CHARS])
    return st.tuples(text, padding, padding, st.integers(0, 99), invisible_chars).map(add_noise)


def assert_mask_hides(kind: ValueKind, canonical: str) -> None:
    masked = mask(kind, canonical)
    assert "*" in masked
    assert canonical not in masked
    assert canonical not in masked.replace(" ", "")

"""What the tests of identifiers share: strategies, and what to ask of every refusal and every mask."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.identifiers import ValueKind, MalformedValue, canonicalize, mask

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

KINDS: tuple[ValueKind, ...] = ("email", "phone", "name", "address")

UNSEEN = ["\u200b", "\ufeff", "\u2060", "\u200c", "\u200d", "\u00ad", "\u202a", "\u202c", "\ufe0f", "\u3164"]
SPACES = [" ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u2028", "\u3000"]


def refusal(kind: ValueKind, text: str) -> MalformedValue:
    with pytest.raises(MalformedValue) as caught:
        canonicalize(kind, text)
    return caught.value


def wide(text: str) -> str:
    """The full-width form of ASCII."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def seasoned(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The text with unseen characters anywhere in it and white space around it."""
    around = st.lists(st.sampled_from(SPACES + UNSEEN), max_size=3).map("".join)

    def season(drawn: tuple[str, str, str, int, str]) -> str:
        plain, before, after, at, unseen = drawn
        at %= len(plain) + 1
        return before + plain[:at] + unseen + plain[at:] + after

    return st.tuples(text, around, around, st.integers(0, 99), st.sampled_from(["", *UNSEEN])).map(season)


def assert_mask_hides(kind: ValueKind, form: str) -> None:
    shown = mask(kind, form)
    assert "*" in shown
    assert form not in shown
    assert form not in shown.replace(" ", "")

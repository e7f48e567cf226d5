"""Text folding, which all kinds share."""

import re
from unicodedata import category, normalize

import pytest

from app.identifiers.folding import DASH_CHARS, casefold_nfkc, fold_text, split_words
from tests.identifiers.helpers import INVISIBLE_CHARS, SPACES


@pytest.mark.parametrize("space", SPACES)
def test_white_space_becomes_one_space(space: str) -> None:
    assert fold_text("name", f"{space}a{space}{space}b{space}") == "a b"


@pytest.mark.parametrize("invisible", INVISIBLE_CHARS)
def test_invisible_characters_are_dropped(invisible: str) -> None:
    assert fold_text("name", f"{invisible}a{invisible}b{invisible}") == "ab"


def test_letters_around_an_invisible_character_compose() -> None:
    assert fold_text("name", "\u1112\u200b\u1169\u11bc") == "홍"


def test_dash_chars_are_all_dashes_except_wave_dashes() -> None:
    dashes = {normalize("NFKC", chr(point)) for point in range(0x110000) if category(chr(point)) == "Pd"}
    missed = {dash for dash in dashes if not re.fullmatch(f"[{DASH_CHARS}]", dash)}
    assert missed == {"〜", "〰"}
    assert not re.search(f"[{DASH_CHARS}]", "0123456789+.~ /,")


def test_case_folding_and_word_splitting() -> None:
    assert casefold_nfkc("Straẞe ΣΑΣ") == "strasse σασ"
    assert split_words("a-b·c (d)") == ["a", "b", "c", "d"]
    assert split_words("1-2/3", keep="-") == ["1-2", "3"]

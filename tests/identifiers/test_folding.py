"""The folding under all kinds."""

import re
from unicodedata import category, normalize

import pytest

from app.identifiers.folding import DASHES, casefold_nfkc, fold, words
from tests.identifiers.helpers import SPACES, UNSEEN


@pytest.mark.parametrize("space", SPACES)
def test_every_white_space_is_one_space(space: str) -> None:
    assert fold("name", f"{space}a{space}{space}b{space}") == "a b"


@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_cannot_be_seen_is_dropped(unseen: str) -> None:
    assert fold("name", f"{unseen}a{unseen}b{unseen}") == "ab"


def test_letters_that_an_unseen_character_parted_compose() -> None:
    assert fold("name", "\u1112\u200b\u1169\u11bc") == "홍"


def test_every_dash_that_is_no_range_is_a_dash() -> None:
    dashes = {normalize("NFKC", chr(point)) for point in range(0x110000) if category(chr(point)) == "Pd"}
    missed = {dash for dash in dashes if not re.fullmatch(f"[{DASHES}]", dash)}
    assert missed == {"〜", "〰"}
    assert not re.search(f"[{DASHES}]", "0123456789+.~ /,")


def test_case_and_words() -> None:
    assert casefold_nfkc("Straẞe ΣΑΣ") == "strasse σασ"
    assert words("a-b·c (d)") == ["a", "b", "c", "d"]
    assert words("1-2/3", keep="-") == ["1-2", "3"]

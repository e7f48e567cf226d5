"""Names: which spellings are equal, and which are refused."""

import string
from typing import Literal
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identifiers import canonicalize, mask
from tests.identifiers.helpers import INVISIBLE_CHARS, RESPELLINGS, SPACES, no_deadline, refusal, with_noise

NORMALIZATION_FORMS: list[Literal["NFC", "NFD", "NFKC", "NFKD"]] = ["NFC", "NFD", "NFKC", "NFKD"]
HANGUL_NAMES = st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=1, max_size=6)
LATIN_NAMES = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=8), min_size=1, max_size=3).map(tuple)


@no_deadline
@given(HANGUL_NAMES, st.data())
def test_spellings_of_one_hangul_name_are_equal(name: str, data: st.DataObject) -> None:
    separator = data.draw(st.sampled_from(["", *SPACES, *INVISIBLE_CHARS, "·", ".", "-"]))
    form = data.draw(st.sampled_from(NORMALIZATION_FORMS))
    text = data.draw(with_noise(st.just(normalize(form, separator.join(name)))))
    assert canonicalize("name", text) == name


@no_deadline
@given(LATIN_NAMES, st.data())
def test_spellings_of_one_latin_name_are_equal(name: tuple[str, ...], data: st.DataObject) -> None:
    separator = data.draw(st.sampled_from([*SPACES, "  ", "-", " - ", ". ", ", ", "'", "’", "・"]))
    change_case_or_width = data.draw(st.sampled_from(RESPELLINGS))
    text = data.draw(with_noise(st.just(change_case_or_width(separator.join(name)))))
    assert canonicalize("name", text) == " ".join(name)


@no_deadline
@given(HANGUL_NAMES | LATIN_NAMES.map(" ".join), HANGUL_NAMES | LATIN_NAMES.map(" ".join))
def test_different_names_stay_different(first: str, other: str) -> None:
    assert (canonicalize("name", first) == canonicalize("name", other)) == (first == other)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("홍 길동", "홍길동"),
        ("홍길동(회사)", "홍길동회사"),
        ("엄마♥", "엄마"),
        ("남궁 민수", "남궁민수"),
        ("山田 太郎", "山田太郎"),
        ("ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダタロウ"),
        ("홍 Gil Dong", "홍gildong"),
        ("ㄱ ㅏ", "가"),
        ("O’Brien", "o brien"),
        ("Straße", "strasse"),
        ("김철수 2", "김철수2"),
        ("1004", "1004"),
    ],
)
def test_canonical_names(text: str, form: str) -> None:
    assert canonicalize("name", text) == form


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("...", "not-a-name"),
        ("·-♥", "not-a-name"),
        ("\u0301", "not-a-name"),
        ("홍*동", "masked"),
        ("홍＊동", "masked"),
        ("홍○동", "masked"),
        ("가" * 101, "too-long"),
    ],
)
def test_refused_names(text: str, reason: str) -> None:
    assert refusal("name", text).reason == reason


def test_a_name_of_maximum_length() -> None:
    assert canonicalize("name", "가" * 100) == "가" * 100


@pytest.mark.parametrize(
    ("form", "masked"),
    [
        ("홍", "*"),
        ("홍길", "홍*"),
        ("홍길동", "홍*동"),
        ("남궁민수", "남**수"),
        ("a", "*"),
        ("li na", "l* n*"),
        ("john smith", "j*** s****"),
    ],
)
def test_masked_names(form: str, masked: str) -> None:
    assert mask("name", form) == masked

"""Names: which spellings are one name."""

import string
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identifiers import canonicalize, mask
from tests.identifiers.helpers import SPACES, UNSEEN, calm, refusal, seasoned, wide

HANGUL = st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=1, max_size=6)
LATIN = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=8), min_size=1, max_size=3).map(tuple)


@calm
@given(HANGUL, st.data())
def test_spellings_of_one_hangul_name_are_equal(name: str, data: st.DataObject) -> None:
    gap = data.draw(st.sampled_from(["", *SPACES, *UNSEEN, "·", ".", "-"]))
    form = data.draw(st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
    typed = data.draw(seasoned(st.just(normalize(form, gap.join(name)))))
    assert canonicalize("name", typed) == name


@calm
@given(LATIN, st.data())
def test_spellings_of_one_latin_name_are_equal(name: tuple[str, ...], data: st.DataObject) -> None:
    gap = data.draw(st.sampled_from([*SPACES, "  ", "-", " - ", ". ", ", ", "'", "’", "・"]))
    respell = data.draw(st.sampled_from([str, str.upper, str.title, wide]))
    typed = data.draw(seasoned(st.just(respell(gap.join(name)))))
    assert canonicalize("name", typed) == " ".join(name)


@calm
@given(HANGUL | LATIN.map(" ".join), HANGUL | LATIN.map(" ".join))
def test_two_names_stay_two(one: str, other: str) -> None:
    assert (canonicalize("name", one) == canonicalize("name", other)) == (one == other)


@pytest.mark.parametrize(
    ("typed", "form"),
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
def test_forms(typed: str, form: str) -> None:
    assert canonicalize("name", typed) == form


@pytest.mark.parametrize(
    ("typed", "reason"),
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
def test_what_is_refused(typed: str, reason: str) -> None:
    assert refusal("name", typed).reason == reason


def test_the_longest_name() -> None:
    assert canonicalize("name", "가" * 100) == "가" * 100


@pytest.mark.parametrize(
    ("form", "shown"),
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
def test_masks(form: str, shown: str) -> None:
    assert mask("name", form) == shown

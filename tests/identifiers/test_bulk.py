"""Bulk canonicalization: it agrees with the full rules, and handles nearly all spellings.

The full rules are correct by definition here; other files test them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, product
from unicodedata import normalize

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.identifiers import MalformedValue, ValueKind, canonicalize, email
from app.identifiers.bulk import BULK_CANONICALIZERS
from app.identifiers.folding import DASH_CHARS
from app.identifiers.provinces import SHORT_NAMES
from app.source_files.schema import is_valid_unicode
from app.synthetic import synthesize
from tests.identifiers.helpers import INVISIBLE_CHARS, KINDS, SPACES, full_width


def canonicalize_in_bulk(kind: ValueKind, texts: list[str]) -> list[str | None]:
    return BULK_CANONICALIZERS[kind](pa.array(texts, pa.string())).to_pylist()  # type: ignore[no-any-return]


SYNTHETIC: dict[ValueKind, list[str]] = {kind: [] for kind in KINDS}
for row in synthesize(3_000):
    SYNTHETIC["email"] += row.emails
    SYNTHETIC["phone"] += row.phones
    SYNTHETIC["name"] += row.names
    SYNTHETIC["address"] += row.addresses

EXAMPLES_OF_EACH_SHAPE: dict[ValueKind, list[str]] = {
    "email": ["a.b+c@d-e.example.com", "A_b-c@xn--bj0bj06e.example", "A.b@한글.example", f"{'a' * 64}@한글.example",
              f"a@{'d' * 58}.com", f"a@{'d' * 63}.com"],
    "phone": ["010-1234-5678", "01012345678", "+82 (0)10 1234 5678", "(010) 1234-5678", "0082-10-1234-5678", "1012345678"],
    "name": ["홍길동", "남궁 민수", "Gildong Hong", "가" * 50],
    "address": [
        "서울특별시 강남구 테헤란로 152, 101동 1203호 (역삼동, 래미안)",
        "(06234) 광주광역시 북구 중앙로12번길 3-4 (하남동), 101-1203호",
        "경기 성남시 분당구 판교로 1길 2(삼평동, e편한세상) B01호",
        "부산시 해운대구 우동 12-3번지 e편한세상 101동1203호",
        "제주 서귀포시 안덕면 덕수리 산 12-3, 101-1203",
        "광주시 북구 중앙로 1 2층",
    ],
}  # fmt: skip

ALL_DASHES = [chr(point) for point in range(0x11000) if re.fullmatch(f"[{DASH_CHARS}]", chr(point))]
HANGUL = [*"가나하동호층제산로길시도우리", "번지", "지하", "지층", "옥탑", "특별시", "광역", "광주시 ", "101동", "제1"]
JAMO = [*"\u1100\u1161\u11a8\u11bc\u1160\u3131\u314f\u3161\u318d\uffa1\uf900\uf90a\u8c48\ua960\ud7cb", "\U0002f800"]
MARKS = ["\u0301", "\u0308", "\u0338", "\u0345", "\u3099"]
LETTERS = [
    *"aBekxz\u212a\u212b\u0130\u0131\u017f\ufb01ß@.,+_'<:;/#%!",
    "--",
    "xn--",
    "..",
    "82",
    "00",
    *full_width("0B1@.-(),+"),
]
PIECES = [
    *"0159",
    *ALL_DASHES,
    *"~〜",
    *HANGUL,
    *JAMO,
    *MARKS,
    *LETTERS,
    *"()[]{}（）［］",
    *"*＊○●◯★XOㅇ_?•",
    *"’´ㆍ의",
    "세종시 ",
    *SPACES,
    *INVISIBLE_CHARS,
    "\0",
    "\ud800",
    "٣",
    "²",
]


def assert_agrees_or_declines(kind: ValueKind, texts: Iterable[str]) -> None:
    """Check texts as typed and in NFKC, as the import does. Texts with lone surrogates cannot be in a column."""
    typed = [text for text in texts if is_valid_unicode(text)]
    folded = [normalize("NFKC", text) for text in typed]
    for text, *forms in zip(typed, canonicalize_in_bulk(kind, typed), canonicalize_in_bulk(kind, folded), strict=True):
        for form in {*forms} - {None}:
            assert form == canonicalize(kind, text), text  # an exception fails, too


@pytest.mark.parametrize("kind", KINDS)
def test_synthetic_spellings_agree(kind: ValueKind) -> None:
    assert_agrees_or_declines(kind, SYNTHETIC[kind])


IS_LEFT_TO_FULL_RULES: dict[ValueKind, Callable[[str], bool]] = {
    "email": lambda _: False,
    "phone": lambda text: "１" in text,
    "name": lambda text: not "가" <= text[0] <= "힣",
    "address": lambda text: any(full_width(digit) in text for digit in "0123456789"),
}
"""Full-width digits and decomposed Hangul are left to the full rules."""


@pytest.mark.parametrize("kind", KINDS)
def test_nearly_all_synthetic_spellings_are_handled_in_bulk(kind: ValueKind) -> None:
    spellings = [text for text in SYNTHETIC[kind] if not IS_LEFT_TO_FULL_RULES[kind](text)]
    declined = canonicalize_in_bulk(kind, spellings).count(None)
    assert declined < len(spellings) / 100


def edits(text: str) -> Iterator[str]:
    for at in range(len(text) + 1):
        yield text[:at] + text[at + 1 :]
        for piece in PIECES:
            yield text[:at] + piece + text[at:]
            yield text[:at] + piece + text[at + 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_edit_of_an_example_of_each_shape_agrees(kind: ValueKind) -> None:
    for text in EXAMPLES_OF_EACH_SHAPE[kind]:
        assert_agrees_or_declines(kind, edits(text))


many_examples = settings(max_examples=10 * settings().max_examples, suppress_health_check=list(HealthCheck))


@st.composite
def edited_spellings(draw: st.DrawFn) -> tuple[ValueKind, str]:
    kind = draw(st.sampled_from(KINDS))
    text = draw(st.sampled_from(SYNTHETIC[kind] + EXAMPLES_OF_EACH_SHAPE[kind] * 20))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(PIECES) | st.characters()) + text[at + draw(st.integers(0, 2)) :]
    return kind, text


@pytest.mark.fuzz
@many_examples
@given(edited_spellings())
def test_spellings_with_random_edits_agree(typed: tuple[ValueKind, str]) -> None:
    kind, text = typed
    assert_agrees_or_declines(kind, [text])


@pytest.mark.fuzz
@many_examples
@given(st.sampled_from(KINDS), st.text() | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_arbitrary_text_agrees(kind: ValueKind, text: str) -> None:
    assert_agrees_or_declines(kind, [text])


REMARKS = [
    "", " (역삼동)", "(역삼동, 래미안)", " (가동)", "(옥동)", "(역삼동, 가동)", "(역삼동, 가상가동)", "(역삼1동)", "(역삼동,지하상가)",
    "(역삼동, e지하)", "(역삼동, e편한세상)", "(역삼동, 옥탑)", "(역삼동, 101동)", "(래미안)", " (역삼동",
]  # fmt: skip
ADDRESS_PARTS = [
    ["", "대한민국 ", "(06234) 대한민국 ", "(06234) ", "06234 ", "우 06234 ", "(06234 ", "123-456 ", "06234"],
    [*SHORT_NAMES, "강남", "전남광주통합특별시", "세종 세종시", "서울특별시 서울", "광주 광주시", "경기 광주시", "경기도 경기도", "OO도"],
    [" ", "", "  ", ", "],
    ["강남구", "성남시 분당구", "북구", "동구", "특별시", "광역시 동구", "특 별시", "특별자치도", "시 동구", "도", "오포읍"],
    [" ", ""],
    ["테헤란로", "역삼동", "테헤란로 4길", "테헤란로4번길", "종로1가", "옥천리 산", "지하", "테헤란로 지하", "제", "동제", "한빛마을", "가"],
    [" ", "", "  "],
    ["12", "12-3", "12 - 3", "12-3-4", "0", "12–3", "-3", "012", "12의 3", "1동 2"],
    ["", "번지", " 번지", "번길", "번지길", "호", "동"],
    REMARKS,
    [" ", ", ", "", ",", " - "],
    ["", "래미안 ", "래미안", "e편한세상 ", "동", "동 ", "동아", "번지상가", "제", "제 ", "래미안제 ", "지하", "지하 ", "e제", "길동", "호",
     "래미안 2차 ", "E가 "],
    ["101동 1203호", "101동1203호", "101-1203", "101-1203호", "101-1203번지", "B01호", "b1층", "2층", "2 층", "1203호", "101동", "가동 1호",
     "제101동 제1203호", "1-2-3", "",
     "101동 1203", "101동 01203호", "0101동 1203호", "101-01203", "000호", "00동 1호", "0동 1호", "B1F", "3F", "03층", "가동 203",
     "1203호 06234", "06234"],
    [*REMARKS, " (06234)", " 대한민국", "(역삼동, 대한민국)"],
]  # fmt: skip
"""For each part of an address: the plain value first, then other common values and ones that could mislead."""


def test_addresses_with_two_unusual_parts_agree() -> None:
    for first, second in combinations(range(len(ADDRESS_PARTS)), 2):
        parts = [options[:1] for options in ADDRESS_PARTS]
        parts[first], parts[second] = ADDRESS_PARTS[first], ADDRESS_PARTS[second]
        assert_agrees_or_declines("address", map("".join, product(*parts)))


@pytest.mark.fuzz
@many_examples
@given(st.tuples(*(st.just(options[0]) | st.sampled_from(options) for options in ADDRESS_PARTS)).map("".join))
@example("서울 강남구 테헤란로 12 (역삼동, e지하)")
@example("광주시 오포읍 역삼동 12")
@example("서울 특별시 강남구 역삼동 12")
def test_addresses_of_random_parts_agree(text: str) -> None:
    assert_agrees_or_declines("address", [text])


DOMAIN_LONG_IN_ASCII = ".".join(["가나다라마바사아자차카타파하"] * 4 + ["example"])


def test_a_domain_that_fits_only_a_short_local_part() -> None:
    assert email.canonicalize(f"a@{DOMAIN_LONG_IN_ASCII}")
    with pytest.raises(MalformedValue):
        email.canonicalize(f"{'a' * 64}@{DOMAIN_LONG_IN_ASCII}")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", f"a@{'d' * 64}.com"),
        ("email", f"{'a' * 65}@한글.example"),
        ("email", f"{'a' * 64}@{DOMAIN_LONG_IN_ASCII}"),
        ("email", "a@xn--zzzzzz9.example"),
        ("email", "a@ab--cd.example"),
        ("email", "a@example"),
        ("email", "a@127.0.0.1"),
        ("email", "\u212a@example.com"),
        ("phone", "011-123-4567"),
        ("phone", "010-1234-567-8"),
        ("name", "가" * 51),
        ("name", "홍*동"),
        ("address", "광주시 오포읍 역삼동 12"),
        ("address", "서울 강남구 역삼동 12 (역삼동)"),
        ("address", "서울 강남구 테헤란로 지하 152"),
        ("address", f"서울 강남구 {'가' * 190}로 152"),
    ],
)
def test_spellings_left_to_the_full_rules(kind: ValueKind, text: str) -> None:
    assert canonicalize_in_bulk(kind, [text]) == [None]

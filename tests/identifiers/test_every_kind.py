"""What holds for all kinds, whatever is typed."""

import pickle
from unicodedata import normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.identifiers import IDENTIFIER_KINDS, VALUE_KINDS, ValueKind, MalformedValue, canonicalize, mask
from tests.identifiers.helpers import KINDS, UNSEEN, assert_mask_hides, calm, refusal

TROUBLE = "0123456789-+.@ ()[],*'\"<ßİẞςſKᾳ가나동로길호층제ᄀㄱᅡ́ͅ한ㅡㆍ\ufdfa\0\ud800\U000e0000"
WORDS = [
    "a",
    "B",
    "xn--",
    "example.com",
    "@b.test",
    "82",
    "010",
    "번지",
    "지하",
    "서울",
    "서울특별시",
    "특별시 ",
    "경기 도",
    "12-3",
    "101동",
]
PIECES = st.sampled_from([*TROUBLE, *WORDS, *UNSEEN, "06234 ", "(역삼동)", "층 "])
TYPED = st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join))


@calm
@given(st.sampled_from(KINDS), TYPED)
@example("name", "ᾳ̈")
@example("name", "̓ͅa")
@example("name", "ﷺ")
@example("email", "I\u0307@example.com")
@example("address", "서울특별시 시")
@example("address", "경기 도")
@example("address", "서울 특별시 강남구 1")
@example("address", "서울 특별시 특별시 강남구 1")
@example("address", "한빛마을 12-3 번지")
def test_a_canonical_form_is_its_own_and_nothing_but_malformed_escapes(kind: ValueKind, text: str) -> None:
    try:
        form = canonicalize(kind, text)
    except MalformedValue:
        return
    assert canonicalize(kind, form) == form
    assert form.encode()
    assert_mask_hides(kind, form)


def test_every_character_that_folds_makes_a_stable_form() -> None:
    """All of Unicode but what neither NFKC nor case touches; a stray error or an unstable form fails."""
    unstable = []
    for point in range(0x110000):
        char = chr(point)
        if point > 0xFF and normalize("NFKC", char).casefold() == char:
            continue
        forms = [
            ("name", f"a{char}ͅb"),
            ("email", f"a{char}b@{char}example.com"),
            ("address", f"로{char}1"),
            ("phone", char),
        ]
        for kind, text in forms:
            try:
                form = canonicalize(kind, text)  # type: ignore[arg-type]
            except MalformedValue:
                continue
            if canonicalize(kind, form) != form:  # type: ignore[arg-type]
                unstable.append((kind, hex(point)))
    assert unstable == []


@calm
@given(st.sampled_from(KINDS), TYPED)
@example("email", "secret.person")
@example("email", "secret@[127.0.0.1]")
@example("email", "secret@exa mple.com")
@example("email", "secret@xn--zzzzzz9.example")
@example("phone", "+1999999999999")
@example("phone", "+99912345678")
@example("phone", "0101234567")
@example("phone", "call 01012345678")
@example("name", "홍*동")
@example("address", "서울 강남구 ***")
@example("address", "서울\0강남구")
def test_a_refusal_holds_nothing_of_the_text(kind: ValueKind, text: str) -> None:
    try:
        canonicalize(kind, text)
    except MalformedValue as refused:
        assert refused.reason in REASONS
        assert vars(refused) == {"kind": kind, "reason": refused.reason}
        assert refused.args == (kind, refused.reason)
        assert str(refused) == f"{kind}: {refused.reason}"
        assert repr(refused) == f"Malformed({kind!r}, {refused.reason!r})"
        assert refused.__cause__ is None
        assert refused.__context__ is None


REASONS = {
    "empty", "too-long", "not-text", "masked", "not-an-email", "not-a-phone", "ambiguous-ending", "ambiguous-prefix",
    "not-a-subscriber-number", "not-a-name", "not-an-address",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \u3000\t\u200b\ufeff\u3164", "empty"),
        ("a\0b", "not-text"),
        ("a\x1fb", "not-text"),
        ("a\ud800b", "not-text"),
        ("a\ue000b", "not-text"),
        ("a\U000e0080b", "not-text"),
        ("1" * 1_001, "too-long"),
        ("가" * 301, "too-long"),
        ("\ufdfa" * 1_000, "too-long"),
    ],
)
def test_what_no_kind_takes(kind: ValueKind, text: str, reason: str) -> None:
    expected = "not-a-phone" if kind == "phone" and text.startswith("가") else reason
    assert refusal(kind, text).reason == expected


def test_malformed_is_bad_input_and_comes_back_from_a_worker_whole() -> None:
    refused = refusal("name", "")
    assert isinstance(refused, InvalidInput)
    back = pickle.loads(pickle.dumps(refused))  # noqa: S301
    assert (back.kind, back.reason, str(back)) == ("name", "empty", "name: empty")


def test_an_identifier_is_a_value_too() -> None:
    assert set(IDENTIFIER_KINDS) < set(VALUE_KINDS) == set(KINDS)


def test_masks_tell_the_kinds_apart() -> None:
    forms = {
        "email": "hong@example.com",
        "phone": "+821012345678",
        "name": "홍길동",
        "address": "서울강남구테헤란로152",
    }
    assert {kind: mask(kind, form) for kind, form in forms.items()} == {  # type: ignore[arg-type]
        "email": "h***@e***.com",
        "phone": "010-****-5678",
        "name": "홍*동",
        "address": "서울 강남구 ***",
    }

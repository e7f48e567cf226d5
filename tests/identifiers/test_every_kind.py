"""Properties of all kinds, for any input."""

import pickle
from unicodedata import normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.identifiers import IDENTIFIER_KINDS, VALUE_KINDS, MalformedValue, ValueKind, canonicalize, mask
from tests.identifiers.helpers import INVISIBLE_CHARS, KINDS, assert_mask_hides, no_deadline, refusal

TRICKY_CHARS = "0123456789-+.@ ()[],*'\"<ßİẞςſKᾳ가나동로길호층제ᄀㄱᅡ́ͅ한ㅡㆍ\ufdfa\0\ud800\U000e0000"
TRICKY_WORDS = [
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
PIECES = st.sampled_from([*TRICKY_CHARS, *TRICKY_WORDS, *INVISIBLE_CHARS, "06234 ", "(역삼동)", "층 "])
INPUTS = st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join))


@no_deadline
@given(st.sampled_from(KINDS), INPUTS)
@example("name", "ᾳ̈")
@example("name", "̓ͅa")
@example("name", "ﷺ")
@example("email", "I\u0307@example.com")
@example("address", "서울특별시 시")
@example("address", "경기 도")
@example("address", "서울 특별시 강남구 1")
@example("address", "서울 특별시 특별시 강남구 1")
@example("address", "한빛마을 12-3 번지")
def test_canonicalize_is_idempotent_or_raises_malformed_value(kind: ValueKind, text: str) -> None:
    try:
        canonical = canonicalize(kind, text)
    except MalformedValue:
        return
    assert canonicalize(kind, canonical) == canonical
    assert canonical.encode()
    assert_mask_hides(kind, canonical)


@pytest.mark.slow
def test_canonical_forms_are_stable_for_all_of_unicode() -> None:
    """All of Unicode, except what neither NFKC nor case folding changes. Fails on any other error and on a form that is not stable."""
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
                canonical = canonicalize(kind, text)  # type: ignore[arg-type]
            except MalformedValue:
                continue
            if canonicalize(kind, canonical) != canonical:  # type: ignore[arg-type]
                unstable.append((kind, hex(point)))
    assert unstable == []


@no_deadline
@given(st.sampled_from(KINDS), INPUTS)
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
def test_an_error_does_not_contain_the_text(kind: ValueKind, text: str) -> None:
    try:
        canonicalize(kind, text)
    except MalformedValue as error:
        assert error.reason in REASONS
        assert vars(error) == {"kind": kind, "reason": error.reason}
        assert error.args == (kind, error.reason)
        assert str(error) == f"{kind}: {error.reason}"
        assert repr(error) == f"MalformedValue({kind!r}, {error.reason!r})"
        assert error.__cause__ is None
        assert error.__context__ is None


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
def test_input_that_every_kind_refuses(kind: ValueKind, text: str, reason: str) -> None:
    expected = "not-a-phone" if kind == "phone" and text.startswith("가") else reason
    assert refusal(kind, text).reason == expected


def test_malformed_value_is_bad_input_and_can_be_pickled() -> None:
    error = refusal("name", "")
    assert isinstance(error, InvalidInput)
    unpickled = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (unpickled.kind, unpickled.reason, str(unpickled)) == ("name", "empty", "name: empty")


def test_identifier_kinds_are_value_kinds() -> None:
    assert set(IDENTIFIER_KINDS) < set(VALUE_KINDS) == set(KINDS)


def test_mask_of_each_kind() -> None:
    forms = {
        "email": "hong@example.com",
        "phone": "+821012345678",
        "name": "홍길동",
        "address": "서울강남구테헤란로152",
    }
    assert {kind: mask(kind, canonical) for kind, canonical in forms.items()} == {  # type: ignore[arg-type]
        "email": "h***@e***.com",
        "phone": "010-****-5678",
        "name": "홍*동",
        "address": "서울 강남구 ***",
    }

"""Phones: which spellings are one number, which are none, and that no two numbers meet."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.identifiers import MalformedValue, canonicalize, mask
from tests.identifiers.helpers import calm, refusal, seasoned, wide

DASH = st.sampled_from([*"-‐‑‒–—―−－﹣ー─ㅡ", ".", "·", "ㆍ", "・", "･", " ", "\u3000", "\u2009", "", " - "])
EIGHT = st.integers(0, 10**8 - 1).map("{:08}".format)


@st.composite
def old_mobile(draw: st.DrawFn) -> str:
    digits = draw(st.integers(7, 8))
    return (
        "0"
        + draw(st.sampled_from(["11", "16", "17", "18", "19"]))
        + f"{draw(st.integers(0, 10**digits - 1)):0{digits}}"
    )


MOBILE = EIGHT.map("010{}".format) | old_mobile()
FIXED = st.sampled_from(["02", "031", "051", "064", "070"]).flatmap(
    lambda area: st.integers(2_000_0000, 9_999_9999).map(lambda digits: f"{area}{digits}")
)
PERSONAL = st.integers(0, 99_999_999).map("0502{:08}".format) | st.integers(0, 9_999_999).map("0505{:07}".format)


def parts(national: str) -> tuple[str, str, str]:
    area = 2 if national.startswith("02") else 4 if national.startswith("050") else 3
    return national[:area], national[area:-4], national[-4:]


@st.composite
def spelling(draw: st.DrawFn, national: str) -> str:
    area, middle, last = parts(national)
    dash = draw(DASH)
    heads = [area, f"({area})", *(f"{code}{gap}{area[1:]}" for code in ("+82", "82", "0082") for gap in ("", " ", "-"))]
    heads += [f"+82 {area}", f"+82 (0){area[1:]}", f"(+82) {area[1:]}", f"82{area}"]
    if area.startswith("01"):
        heads.append(area[1:])  # a spreadsheet's
    typed = dash.join([draw(st.sampled_from(heads)), middle, last])
    return draw(seasoned(st.sampled_from([typed, wide(typed)])))


@calm
@given(MOBILE | FIXED | PERSONAL, st.data())
def test_spellings_of_one_korean_number_are_equal(national: str, data: st.DataObject) -> None:
    assert canonicalize("phone", data.draw(spelling(national))) == f"+82{national[1:]}"


@calm
@given(MOBILE | FIXED | PERSONAL, MOBILE | FIXED | PERSONAL, st.data())
def test_two_korean_numbers_stay_two(one: str, other: str, data: st.DataObject) -> None:
    same = canonicalize("phone", data.draw(spelling(one))) == canonicalize("phone", data.draw(spelling(other)))
    assert same == (one == other)


@calm
@given(EIGHT)
@example("00000000")
@example("59700000")
@example("59999999")
@example("99999999")
def test_all_of_010_is_taken_with_eight_digits_only(digits: str) -> None:
    assert canonicalize("phone", f"010{digits}") == f"+8210{digits}"
    for wrong in (digits[:7], digits + "0"):
        assert refusal("phone", f"010{wrong}").reason == "not-a-subscriber-number"


@calm
@given(st.text("0123456789+-. ()", max_size=18))
def test_digits_are_never_invented_nor_moved(typed: str) -> None:
    """Whatever is accepted is what was typed, but for country code and zeros in front."""
    try:
        form = canonicalize("phone", typed)
    except MalformedValue:
        return
    digits = "".join(char for char in typed if char.isdecimal())
    national = form.removeprefix("+82")
    if national == form:
        assert typed.lstrip("-. ()")[0] in "+0"
        spelled = digits if typed.lstrip("-. ()")[0] == "+" else digits.removeprefix("00")
        trunkless = [spelled[:at] + spelled[at + 1 :] for at in range(1, 4) if spelled[at] == "0"]
        assert form[1:] in [spelled, *trunkless]
    else:
        assert digits in {f"{code}{zero}{national}" for code in ("", "82", "0082") for zero in ("", "0")}


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("010-1234-5678", "+821012345678"),
        ("０１０ー１２３４ー５６７８", "+821012345678"),
        ("\u202a010-1234-5678\u202c", "+821012345678"),
        ("1012345678", "+821012345678"),
        ("10-1234-5678", "+821012345678"),
        ("161234567", "+82161234567"),
        ("+82 (0)10 1234 5678", "+821012345678"),
        ("02-123-4567", "+8221234567"),
        ("02) 1234-5678", "+82212345678"),
        ("031-2555-0123", "+823125550123"),
        ("070-1234-5678", "+827012345678"),
        ("0502-123-4567", "+825021234567"),
        ("0505-1234-5678", "+8250512345678"),
        ("+1 202-456-1111", "+12024561111"),
        ("+44 20 7946 0958", "+442079460958"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("0044 20 7946 0958", "+442079460958"),
        ("+39 06 1234 5678", "+390612345678"),
        ("+39 (0)6 1234 5678", "+390612345678"),
        ("+852 5123 4567", "+85251234567"),
    ],
)
def test_forms(typed: str, form: str) -> None:
    assert canonicalize("phone", typed) == form


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("-", "not-a-phone"),
        ("+", "not-a-phone"),
        ("010-1234-567a", "not-a-phone"),
        ("01O-1234-5678", "not-a-phone"),
        ("tel:+821012345678", "not-a-phone"),
        ("010-1234-5678#123", "not-a-phone"),
        ("02-1234-5678 ext 9", "not-a-phone"),
        ("010-1234-5678, 010-8765-4321", "not-a-phone"),
        ("010-1234-5678/9", "not-a-phone"),
        ("02-123-4567~8", "not-a-phone"),
        ("02-123-4567〜8", "not-a-phone"),
        ("010+12345678", "not-a-phone"),
        ("++821012345678", "not-a-phone"),
        ("010-****-5678", "not-a-phone"),
        ("1.01E+09", "not-a-phone"),
        ("٠١٠١٢٣٤٥٦٧٨", "not-a-phone"),
        ("0" * 21, "not-a-phone"),
        ("1012345678.0", "ambiguous-ending"),
        ("161234567.0", "ambiguous-ending"),
        ("0161234567.0", "ambiguous-ending"),
        ("02-123-4567-8", "ambiguous-ending"),
        ("7", "ambiguous-ending"),
        ("001 202 456 1111", "ambiguous-prefix"),
        ("00182 10 1234 5678", "ambiguous-prefix"),
        ("00700 82 10 1234 5678", "ambiguous-prefix"),
        ("00345 82 10 1234 5678", "ambiguous-prefix"),
        ("0086 138 0013 8000", "ambiguous-prefix"),
        ("118", "not-a-subscriber-number"),
        ("112", "not-a-subscriber-number"),
        ("1332", "not-a-subscriber-number"),
        ("1588-1234", "not-a-subscriber-number"),
        ("+82 1588-1234", "not-a-subscriber-number"),
        ("1644-1234", "not-a-subscriber-number"),
        ("02-118", "not-a-subscriber-number"),
        ("031-114", "not-a-subscriber-number"),
        ("031-1234", "not-a-subscriber-number"),
        ("080-123-4567", "not-a-subscriber-number"),
        ("060-700-1234", "not-a-subscriber-number"),
        ("012-1234-5678", "not-a-subscriber-number"),
        ("015-1234-5678", "not-a-subscriber-number"),
        ("010-123-4567", "not-a-subscriber-number"),
        ("101234567", "not-a-subscriber-number"),
        ("011-123-456", "not-a-subscriber-number"),
        ("212345678", "not-a-subscriber-number"),
        ("3125550123", "not-a-subscriber-number"),
        ("7012345678", "not-a-subscriber-number"),
        ("5021234567", "not-a-subscriber-number"),
        ("12024561111", "not-a-subscriber-number"),
        ("13800138000", "not-a-subscriber-number"),
        ("090-1234-5678", "not-a-subscriber-number"),
        ("1234-5678", "not-a-subscriber-number"),
        ("+8200 10 1234 5678", "not-a-subscriber-number"),
        ("+0 10 1234 5678", "not-a-subscriber-number"),
        ("0082 118", "not-a-subscriber-number"),
        ("+1 1 202 456 1111", "not-a-subscriber-number"),
        ("+1 202 456 111", "not-a-subscriber-number"),
        ("+54 11 15 2345 6789", "not-a-subscriber-number"),
        ("+999 1234 5678", "not-a-subscriber-number"),
        ("+1" + "2" * 18, "not-a-subscriber-number"),
    ],
)
def test_what_is_refused_rather_than_guessed_at(typed: str, reason: str) -> None:
    assert refusal("phone", typed).reason == reason


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("+821012345678", "010-****-5678"),
        ("+82161234567", "016-***-4567"),
        ("+8221234567", "02-***-4567"),
        ("+823125550123", "031-****-0123"),
        ("+8250212345678", "0502-****-5678"),
        ("+12024561111", "+1 ********11"),
        ("+442079460958", "+44 ********58"),
    ],
)
def test_masks(form: str, shown: str) -> None:
    assert mask("phone", form) == shown


@calm
@given(MOBILE | FIXED | PERSONAL)
def test_a_mask_never_shows_the_middle(national: str) -> None:
    area, middle, last = parts(national)
    assert mask("phone", canonicalize("phone", national)) == f"{area}-{'*' * len(middle)}-{last}"

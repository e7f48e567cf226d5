"""Phone numbers: which spellings are equal, which are refused, and that different numbers never become equal."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.identifiers import MalformedValue, canonicalize, mask
from tests.identifiers.helpers import full_width, no_deadline, refusal, with_noise

SEPARATORS = st.sampled_from([*"-‐‑‒–—―−－﹣ー─ㅡ", ".", "·", "ㆍ", "・", "･", " ", "\u3000", "\u2009", "", " - "])
EIGHT_DIGITS = st.integers(0, 10**8 - 1).map("{:08}".format)


@st.composite
def old_mobiles(draw: st.DrawFn) -> str:
    digits = draw(st.integers(7, 8))
    return (
        "0"
        + draw(st.sampled_from(["11", "16", "17", "18", "19"]))
        + f"{draw(st.integers(0, 10**digits - 1)):0{digits}}"
    )


MOBILES = EIGHT_DIGITS.map("010{}".format) | old_mobiles()
LANDLINES = st.sampled_from(["02", "031", "051", "064", "070"]).flatmap(
    lambda area: st.integers(2_000_0000, 9_999_9999).map(lambda digits: f"{area}{digits}")
)
PERSONAL_NUMBERS = st.integers(0, 99_999_999).map("0502{:08}".format) | st.integers(0, 9_999_999).map(
    "0505{:07}".format
)


def split_national(national: str) -> tuple[str, str, str]:
    area = 2 if national.startswith("02") else 4 if national.startswith("050") else 3
    return national[:area], national[area:-4], national[-4:]


@st.composite
def spelling(draw: st.DrawFn, national: str) -> str:
    area, middle, last = split_national(national)
    separator = draw(SEPARATORS)
    prefixes = [
        area,
        f"({area})",
        *(f"{code}{gap}{area[1:]}" for code in ("+82", "82", "0082") for gap in ("", " ", "-")),
    ]
    prefixes += [f"+82 {area}", f"+82 (0){area[1:]}", f"(+82) {area[1:]}", f"82{area}"]
    if area.startswith("01"):
        prefixes.append(area[1:])  # as a spreadsheet stores it
    text = separator.join([draw(st.sampled_from(prefixes)), middle, last])
    return draw(with_noise(st.sampled_from([text, full_width(text)])))


@no_deadline
@given(MOBILES | LANDLINES | PERSONAL_NUMBERS, st.data())
def test_spellings_of_one_korean_number_are_equal(national: str, data: st.DataObject) -> None:
    assert canonicalize("phone", data.draw(spelling(national))) == f"+82{national[1:]}"


@no_deadline
@given(MOBILES | LANDLINES | PERSONAL_NUMBERS, MOBILES | LANDLINES | PERSONAL_NUMBERS, st.data())
def test_different_korean_numbers_stay_different(first: str, other: str, data: st.DataObject) -> None:
    same = canonicalize("phone", data.draw(spelling(first))) == canonicalize("phone", data.draw(spelling(other)))
    assert same == (first == other)


@no_deadline
@given(EIGHT_DIGITS)
@example("00000000")
@example("59700000")
@example("59999999")
@example("99999999")
def test_010_numbers_have_exactly_eight_digits(digits: str) -> None:
    assert canonicalize("phone", f"010{digits}") == f"+8210{digits}"
    for wrong_digits in (digits[:7], digits + "0"):
        assert refusal("phone", f"010{wrong_digits}").reason == "not-a-subscriber-number"


@no_deadline
@given(st.text("0123456789+-. ()", max_size=18))
def test_digits_are_never_added_or_moved(text: str) -> None:
    """An accepted number has the digits of the input, except country code and leading zeros."""
    try:
        canonical = canonicalize("phone", text)
    except MalformedValue:
        return
    digits = "".join(char for char in text if char.isdecimal())
    national = canonical.removeprefix("+82")
    if national == canonical:
        assert text.lstrip("-. ()")[0] in "+0"
        international = digits if text.lstrip("-. ()")[0] == "+" else digits.removeprefix("00")
        without_trunk_zero = [
            international[:at] + international[at + 1 :] for at in range(1, 4) if international[at] == "0"
        ]
        assert canonical[1:] in [international, *without_trunk_zero]
    else:
        assert digits in {f"{code}{zero}{national}" for code in ("", "82", "0082") for zero in ("", "0")}


@pytest.mark.parametrize(
    ("text", "canonical"),
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
def test_canonical_phones(text: str, canonical: str) -> None:
    assert canonicalize("phone", text) == canonical


@pytest.mark.parametrize(
    ("text", "reason"),
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
def test_refused_phones(text: str, reason: str) -> None:
    assert refusal("phone", text).reason == reason


@pytest.mark.parametrize(
    ("canonical", "masked"),
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
def test_masked_phones(canonical: str, masked: str) -> None:
    assert mask("phone", canonical) == masked


@no_deadline
@given(MOBILES | LANDLINES | PERSONAL_NUMBERS)
def test_a_mask_hides_the_middle_digits(national: str) -> None:
    area, middle, last = split_national(national)
    assert mask("phone", canonicalize("phone", national)) == f"{area}-{'*' * len(middle)}-{last}"

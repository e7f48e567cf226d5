"""Canonical form of phone numbers: E.164, as in ``+821012345678``. Numbers are Korean by default; ambiguous ones are refused.

1. Fold the text as for every kind. Spaces, dots, brackets and dashes separate groups of digits. Refuse anything else except a leading +:
   letters, extensions, ``tel:``, ranges and second numbers.
2. Refuse a last group of one digit: ``161234567.0`` is a decimal of a spreadsheet and ``02-123-4567-8`` a range. Both would be read as another
   person's number, with eight digits.
3. ``+82``, ``0082`` and ``82`` are Korea, followed by the trunk zero or not. No Korean number begins with 82.
4. A leading 0 is the Korean trunk zero.
5. Nine or ten digits from 10, 11, 16, 17, 18 or 19 are a mobile number that lost its zero in a spreadsheet. Only these: a landline without its zero
   may be an American number without its +1 (312 555 0123 is in Chicago, and is also 031-2555-0123).
6. Other numbers with + are foreign. They must be valid *as written* for phonenumbers, except for one trunk zero, as in ``+44 (0)20``. The same holds
   for 00 before 3 or 4. Before other digits, 00 may begin the prefix of a Korean carrier (001, 002, 005, 006, 008, 00700): refuse those.
7. Korean subscribers are 010 with eight digits, all 10^8 (phonenumbers lacks some, and accepts seven digits); 011, 016 to 019 with seven or eight;
   landlines, 070 and 050x if phonenumbers accepts them. Service numbers (118, 1332, 1588-, 080-, 060-, 031-114) belong to no person.
"""

import re

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from app.identifiers.folding import DASH_CHARS, MalformedValue, fold_text

_GROUP_SEPARATOR = re.compile(
    rf"[ .()\u00b7\u30fb\u119e\u2027\u2022\u2219\u22c5{DASH_CHARS}]+"
)  # middle dots; \u119e is ㆍ after NFKC
_DIGITS = re.compile(r"\+?[0-9]{1,20}")
_KOREAN_PREFIX = re.compile(r"(?:\+|00)?820?([1-9][0-9]*)")
_TRUNK_ZERO = re.compile(r"0([1-9][0-9]*)")
_LOST_ZERO = re.compile(r"1[016-9][0-9]{7,8}")
_FOREIGN_PREFIX = re.compile(r"(?:\+|00(?=4|3(?!45|65|91)))([1-9][0-9]*)")  # 00345, 00365 and 00391 are carriers
_KOREAN_MOBILE = re.compile(r"10[0-9]{8}|1[16-9][0-9]{7,8}")
_KOREAN_PARTS = re.compile(r"\+82(2|50[0-9]|[0-9]{2})([0-9]+)([0-9]{4})")

_SUBSCRIBER_TYPES = {PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP, PhoneNumberType.PERSONAL_NUMBER}


def canonicalize(text: str) -> str:
    """Return the canonical form of a phone number, which is digested and which codes are sent to.

    Raises:
        MalformedValue: ``not-a-phone`` (1), ``ambiguous-ending`` (2), ``ambiguous-prefix`` (6), ``not-a-subscriber-number``,
            or a reason of `fold_text`.
    """
    groups = [group for group in _GROUP_SEPARATOR.split(fold_text("phone", text)) if group]  # 1
    digits = "".join(groups)
    if not _DIGITS.fullmatch(digits):
        raise MalformedValue("phone", "not-a-phone")
    if len(groups[-1]) == 1:  # 2
        raise MalformedValue("phone", "ambiguous-ending")
    number = _parse(digits)
    if number is None:
        raise MalformedValue("phone", "not-a-subscriber-number")
    return number


def _parse(digits: str) -> str | None:
    if match := _KOREAN_PREFIX.fullmatch(digits):  # 3
        return _parse_korean(match[1])
    if match := _TRUNK_ZERO.fullmatch(digits):  # 4
        return _parse_korean(match[1])
    if _LOST_ZERO.fullmatch(digits):  # 5
        return _parse_korean(digits)
    if match := _FOREIGN_PREFIX.fullmatch(digits):  # 6
        return _parse_foreign(match[1])
    if digits.startswith("00"):
        raise MalformedValue("phone", "ambiguous-prefix")
    return None


def _parse_korean(national: str) -> str | None:  # 7
    if national.startswith("1"):
        is_subscriber = _KOREAN_MOBILE.fullmatch(national) is not None
    else:
        number = PhoneNumber(country_code=82, national_number=int(national))
        is_subscriber = len(national) >= 8 and phonenumbers.number_type(number) in _SUBSCRIBER_TYPES
    return f"+82{national}" if is_subscriber else None


def _parse_foreign(digits: str) -> str | None:  # 6
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return None
    formatted = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    code = str(number.country_code)
    as_written = formatted in {f"+{digits}", f"+{code}{digits.removeprefix(f'{code}0')}"}
    return formatted if as_written and phonenumbers.is_valid_number(number) else None


def mask(canonical: str) -> str:
    """Show ``010-****-5678``, or of a foreign number the calling code and the last two digits."""
    if parts := _KOREAN_PARTS.fullmatch(canonical):
        area, middle, last = parts.groups()
        return f"0{area}-{'*' * len(middle)}-{last}"
    code = f"+{calling_code(canonical)}"
    return f"{code} {'*' * (len(canonical) - len(code) - 2)}{canonical[-2:]}"


def calling_code(canonical: str) -> str:
    """Return the country calling code of a phone number, such as ``82`` (ITU-T E.164)."""
    return "82" if canonical.startswith("+82") else str(phonenumbers.parse(canonical).country_code)

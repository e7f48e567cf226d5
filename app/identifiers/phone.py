"""Phone numbers, in E.164: ``+821012345678``. Korean unless they say otherwise; refused where they could be read in two ways.

1. Folded as all text is. Spaces, dots, brackets and dashes of every kind part groups of digits; anything else but a leading + is refused:
   letters, extensions, ``tel:``, ranges and second numbers.
2. A last group of a single digit is refused: ``161234567.0`` is a spreadsheet's decimal and ``02-123-4567-8`` a range, and both would read as
   somebody else's number of eight digits.
3. ``+82``, ``0082`` and ``82`` are Korea, with or without the trunk zero behind; no Korean number begins with 82.
4. A leading 0 is the Korean trunk zero.
5. Nine or ten digits from 10, 11, 16, 17, 18, 19 are a mobile that lost its zero in a spreadsheet. Only these: a landline without its zero may be
   an American number without its +1 (312 555 0123 is Chicago, and 031-2555-0123).
6. + is any other country, where phonenumbers finds the number valid *as written*, but for one trunk zero, as in ``+44 (0)20``; and so is 00
   in front of 3 or 4. In front of other digits 00 may begin a Korean carrier's prefix (001, 002, 005, 006, 008, 00700): refused.
7. Korean subscribers: 010 with eight digits, all 10^8 (phonenumbers lacks some, and takes seven); 011, 016 to 019 with seven or eight;
   landlines, 070 and 050x where phonenumbers finds them valid. Service numbers (118, 1332, 1588-, 080-, 060-, 031-114) are nobody's own.
"""

import re

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from app.identifiers.folding import DASHES, MalformedValue, fold

_PARTING = re.compile(
    rf"[ .()\u00b7\u30fb\u119e\u2027\u2022\u2219\u22c5{DASHES}]+"
)  # middle dots; \u119e is ㆍ after NFKC
_DIGITS = re.compile(r"\+?[0-9]{1,20}")
_KOREA = re.compile(r"(?:\+|00)?820?([1-9][0-9]*)")
_TRUNK_ZERO = re.compile(r"0([1-9][0-9]*)")
_LOST_ZERO = re.compile(r"1[016-9][0-9]{7,8}")
_ABROAD = re.compile(r"(?:\+|00(?=4|3(?!45|65|91)))([1-9][0-9]*)")  # 00345, 00365 and 00391 are carriers
_MOBILE = re.compile(r"10[0-9]{8}|1[16-9][0-9]{7,8}")
_KOREAN_PARTS = re.compile(r"\+82(2|50[0-9]|[0-9]{2})([0-9]+)([0-9]{4})")

_SUBSCRIBERS = {PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP, PhoneNumberType.PERSONAL_NUMBER}


def canonicalize(text: str) -> str:
    """Spell the one form that is digested, and that codes are sent to.

    Raises:
        Malformed: ``not-a-phone`` (1), ``ambiguous-ending`` (2), ``ambiguous-prefix`` (6), ``not-a-subscriber-number``, or what `fold` refuses.
    """
    groups = [group for group in _PARTING.split(fold("phone", text)) if group]  # 1
    dialled = "".join(groups)
    if not _DIGITS.fullmatch(dialled):
        raise MalformedValue("phone", "not-a-phone")
    if len(groups[-1]) == 1:  # 2
        raise MalformedValue("phone", "ambiguous-ending")
    number = _read(dialled)
    if number is None:
        raise MalformedValue("phone", "not-a-subscriber-number")
    return number


def _read(dialled: str) -> str | None:
    if found := _KOREA.fullmatch(dialled):  # 3
        return _korean(found[1])
    if found := _TRUNK_ZERO.fullmatch(dialled):  # 4
        return _korean(found[1])
    if _LOST_ZERO.fullmatch(dialled):  # 5
        return _korean(dialled)
    if found := _ABROAD.fullmatch(dialled):  # 6
        return _foreign(found[1])
    if dialled.startswith("00"):
        raise MalformedValue("phone", "ambiguous-prefix")
    return None


def _korean(national: str) -> str | None:  # 7
    if national.startswith("1"):
        known = _MOBILE.fullmatch(national) is not None
    else:
        number = PhoneNumber(country_code=82, national_number=int(national))
        known = len(national) >= 8 and phonenumbers.number_type(number) in _SUBSCRIBERS
    return f"+82{national}" if known else None


def _foreign(digits: str) -> str | None:  # 6
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return None
    spelled = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    code = str(number.country_code)
    as_written = spelled in {f"+{digits}", f"+{code}{digits.removeprefix(f'{code}0')}"}
    return spelled if as_written and phonenumbers.is_valid_number(number) else None


def mask(canonical: str) -> str:
    """Show ``010-****-5678``; of a foreign number the country and the last two digits."""
    if parts := _KOREAN_PARTS.fullmatch(canonical):
        area, middle, last = parts.groups()
        return f"0{area}-{'*' * len(middle)}-{last}"
    code = f"+{calling_code(canonical)}"
    return f"{code} {'*' * (len(canonical) - len(code) - 2)}{canonical[-2:]}"


def calling_code(canonical: str) -> str:
    """Give the calling code of a phone's country, as in ``82`` (ITU-T E.164)."""
    return "82" if canonical.startswith("+82") else str(phonenumbers.parse(canonical).country_code)

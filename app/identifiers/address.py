"""Canonical form of postal addresses. They are compared with a person's own record, never looked up.

Spellings become equal only if they certainly mean the same address; two different addresses never become equal. The road-name (도로명) and the
lot-number (지번) form of an address stay different.

1. Fold the text as for every kind, then fold case. Refuse an address that is already masked.
2. After a road and its number, drop brackets that begin with a 동: they hold a reference remark, as in (역삼동, 한빛아파트).
   Keep them if they may contain a unit.
3. Treat all dashes between digits as "-". Replace other punctuation, and the brackets that rule 2 kept, by a space.
4. Drop a leading country (대한민국, 한국) and postal code if a province follows. Behind such an address, drop a country, and a code in brackets,
   after 우편번호 or after a unit. Any other five digits at the end may be a room, except that in 서울 codes begin with 0.
5. Shorten a leading province: 서울, 서울시 and 서울특별시 become 서울, also if its name is repeated. Shorten 광주시 only before a district of the
   metropolis: 경기 has a 광주시 too. 전남광주통합특별시 becomes 광주 before such a district, 전남 before any other.
6. Unify units: 제101동 제1203호, 101동 1203호, 101동 01203호, 101동 1203 at the end, and 101-1203. A pair of numbers is a unit after a number or a
   building's name. At the beginning, and after a road (로, 길), 동, 리, 가, 읍, 면 or 산, it is the number of a building or lot. 지하1층 and B1F
   become B1층.
7. Drop 번지 after a number, unless it shows that a pair is not a unit of rule 6. Read 123의 4 and 123번지의 4 as 123-4.
8. Drop white space next to Hangul, except after a digit: ``1길 23`` and ``12길 3``, ``152 동아`` and ``152동 아`` must stay different.
9. Repeat rules 1 to 8 until nothing changes, so that a canonical form is its own canonical form.
"""

import re

from app.identifiers.folding import DASH_CHARS, MalformedValue, casefold_nfkc, fold_text, split_words
from app.identifiers.masked import is_masked_address
from app.identifiers.provinces import PROVINCE_PATTERN, SHORT_NAMES, shorten_province

MAX_LENGTH = 300

LETTERED_BUILDING = "[a-z가나다라마바사아자차카타파하]동"
_LETTERED_BUILDING_WORD = rf"{LETTERED_BUILDING}(?![가-힣])"
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_ROAD_AND_NUMBER = re.compile(r"[로길] ?(?:지하 ?)?[0-9]")
_REMARK = re.compile(rf" ?(?!{_LETTERED_BUILDING_WORD})[가-힣]+(?:[0-9]?동|[0-9]가)(?![가-힣0-9])(.*)")
_UNIT_IN_REMARK = re.compile(rf"(?<![가-힣a-z])(?:[a-z]?-?[0-9]|{_LETTERED_BUILDING_WORD})|지하|지층|옥탑")
_DASH_IN_NUMBER = re.compile(rf"(?<=[0-9]) ?[{DASH_CHARS}] ?(?=[0-9])")
_DASH_OUTSIDE_NUMBER = re.compile(r"(?<![0-9])-|-(?![0-9])")
_DIGITS_OF_CODE = "(?:[0-9]{5}|[0-9]{3}-[0-9]{3})"
_CODE = f"(?:우 ?|우편번호 ?)?{_DIGITS_OF_CODE} "
_COUNTRY = "(?:대한민국|한국|(?:south |republic of )?korea)"
_BEFORE_PROVINCE = re.compile(
    rf"^(?:{_COUNTRY} (?:{_CODE})?|대한민국|{_CODE}(?:{_COUNTRY} )?)(?={PROVINCE_PATTERN.pattern})"
)
_COUNTRY_BEHIND = re.compile(rf" (?:대한민국|(?:south|republic of) korea)(?: {_DIGITS_OF_CODE})?$")
_CODE_BEHIND = re.compile(
    rf"(?:(?<=[0-9][호층])| 우| 우편번호) ?{_DIGITS_OF_CODE}$|(?<=^서울 )(.*[0-9]) 0[1-9][0-9]{{3}}$"
)
"""In 서울, all codes begin with 0, and no room behind a number does."""
_MAY_BEGIN_WITH_PROVINCE = re.compile(
    rf"(?:[^a-z0-9가-힣]|{_COUNTRY}|우편번호|우|(?<![0-9-]){_DIGITS_OF_CODE}(?![0-9-]))*{PROVINCE_PATTERN.pattern}"
)
_CODE_IN_BRACKETS = re.compile(
    rf"[(\[] ?(?:(?:우|우편번호)[ :.)]{{0,2}})?({_DIGITS_OF_CODE}) ?[)\]]"
    r"(?=[ ,.]{0,3}(?:대한민국|(?:south|republic of) korea)?[ .]{0,2}$)"
)
_ORDINAL = re.compile(rf"(?:(?<![가-힣])|(?<=[0-9]동)|(?<=[ 0-9]{LETTERED_BUILDING}))제 ?(?=[0-9]+ ?[동호층])")
_FLOOR_LETTER = re.compile(r"(?<![0-9a-z-])(b?[0-9]{1,3})f(?![0-9a-z가-힣-])")
_ZEROS_OF_UNIT = re.compile(r"(?<![0-9a-z-])0+(?=[1-9][0-9]*[동호층](?![가-힣]))")
_ROOM_WITHOUT_COUNTER = re.compile(
    rf"(?P<wing>(?P<certain>(?<![0-9-])[0-9]{{3,4}}동|[0-9]층)|(?<![0-9a-z가-힣-])(?:[0-9]{{1,2}}동|{LETTERED_BUILDING}))"
    r" ?0*(?P<room>[1-9][0-9]{0,4})$"
)
_HOUSE_NUMBER = re.compile(r"[^a-z가-힣]*[a-z가-힣].*[0-9](?:번지)?(?= |$)")
_LOT_WITH_PARTICLE = re.compile(r"(?<![0-9-])([0-9]+)(?: ?번지)? ?의 ?([0-9]+)(?: ?번지)?(?= |$)")
_BASEMENT = re.compile(r"지하 ?(?=[0-9]+ ?층)")
_SPACE_BEFORE_COUNTER = re.compile(r"(?<=[0-9]) (?=[동호층](?![가-힣]))")
_NUMBER_PAIR = re.compile(r"(?<![0-9-])([0-9]+)-([0-9]+)(?![0-9-])(호| ?번지(?![길로]))?")
NO_UNIT_AFTER = "로길동리가읍면산"
_LOT_SUFFIX = re.compile(r"(?<![0-9-])([0-9]+) ?번지(?![길로])")
_IGNORABLE_SPACE = re.compile(r"(?<=[가-힣]) +|(?<![0-9 ]) +(?=[가-힣])")


def canonicalize(text: str) -> str:
    """Return the canonical form of an address.

    Raises:
        MalformedValue: ``masked``, ``not-an-address`` (no letter, no number), ``too-long``, or a reason of `fold_text`.
    """
    address, previous = _apply_rules(text), ""
    while address != previous:  # 9
        address, previous = _apply_rules(address), address
    if len(address) > MAX_LENGTH:
        raise MalformedValue("address", "too-long")
    return address


def _apply_rules(text: str) -> str:
    address = casefold_nfkc(fold_text("address", text))  # 1
    if is_masked_address(address):
        raise MalformedValue("address", "masked")
    may_end_with_code = address.endswith((")", "]", "국", "a"))
    if may_end_with_code and _MAY_BEGIN_WITH_PROVINCE.match(address):  # 4, before brackets become spaces
        address = _CODE_IN_BRACKETS.sub(r" 우 \1 ", address)
    address = _BRACKETS.sub(_drop_remark, address)  # 2
    address = _DASH_IN_NUMBER.sub("-", address)  # 3
    address = " ".join(split_words(address, keep="-"))
    if "-" in address:  # here and below: skip the regular expression for the addresses that cannot match
        address = _collapse_spaces(_DASH_OUTSIDE_NUMBER.sub(" ", address))
    address = _BEFORE_PROVINCE.sub("", address)  # 4
    if PROVINCE_PATTERN.match(address):
        address = shorten_province(address)  # 5
        if not address.endswith(("호", "층")):
            address = _CODE_BEHIND.sub(r"\1", _COUNTRY_BEHIND.sub("", address))  # 4
    address = _unify_units(address)  # 6, 7
    address = _IGNORABLE_SPACE.sub("", _collapse_spaces(address))  # 8
    if not any(char.isalnum() for char in address):
        raise MalformedValue("address", "not-an-address")
    return address


def _unify_units(address: str) -> str:
    """Apply rules 6 and 7."""
    if "제" in address:
        address = _ORDINAL.sub("", address)
    if "f" in address:
        address = _FLOOR_LETTER.sub(r"\1층", address)
    address = _SPACE_BEFORE_COUNTER.sub("", _BASEMENT.sub("b", address))
    if "0" in address:
        address = _ZEROS_OF_UNIT.sub("", address)
    if address[-1:].isdecimal():
        address = _ROOM_WITHOUT_COUNTER.sub(_add_room_counter, address)
    if "의" in address:
        address = _LOT_WITH_PARTICLE.sub(r"\1-\2번지", address)
    if "-" in address:
        address = _NUMBER_PAIR.sub(_format_number_pair, address)
    if "번지" in address:
        address = _LOT_SUFFIX.sub(r"\1 ", address)
    return address


def _collapse_spaces(text: str) -> str:
    return " ".join(text.split())


def _drop_remark(brackets: re.Match[str]) -> str:
    remark = _REMARK.fullmatch(brackets[1])
    follows_road = _ROAD_AND_NUMBER.search(brackets.string, 0, brackets.start())
    dropped = remark and follows_road and not _UNIT_IN_REMARK.search(remark[1])
    return " " if dropped else f" {brackets[1]} "


def _add_room_counter(unit: re.Match[str]) -> str:
    # A small number may belong to the name of an administrative dong, which stands before the house number: 역삼 1동 203
    is_unit = unit["certain"] or _HOUSE_NUMBER.match(unit.string, 0, unit.start())
    return f"{unit['wing']}{unit['room']}호" if is_unit else unit[0]


def _format_number_pair(pair: re.Match[str]) -> str:
    main, sub, suffix = pair.groups(default="")
    has_lot_suffix = suffix.endswith("번지")
    preceding = pair.string[: pair.start()].rstrip()[-1:]
    is_unit = preceding.isdecimal() or ("가" <= preceding <= "힣" and preceding not in NO_UNIT_AFTER)
    if is_unit:
        return f"{main}-{sub}번지 " if has_lot_suffix else f"{main.lstrip('0') or main}동{sub.lstrip('0') or sub}호"
    return f"{main}-{sub} " if has_lot_suffix else pair[0]


_PROVINCE_AND_DISTRICT = re.compile(rf"({'|'.join(sorted(set(SHORT_NAMES.values())))})([가-힣]{{1,4}}?[시군구])?(?=.)")


def mask(canonical: str) -> str:
    """Show province and district, as in ``서울 강남구 ***``. Show nothing of an address that does not begin with them, or that ends there."""
    match = _PROVINCE_AND_DISTRICT.match(canonical)
    return " ".join([*filter(None, match.groups() if match else ()), "***"])

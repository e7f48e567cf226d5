"""Canonical form of postal addresses. They are compared with a person's own record, never looked up.

Spellings become equal only if they certainly mean the same address; two different addresses never become equal. The road-name (도로명) and the
lot-number (지번) form of an address stay different.

1. Fold the text as for every kind, then fold case. Refuse an address that is already masked.
2. After a road and its number, drop brackets that begin with a 동: they hold a reference remark, as in (역삼동, 한빛아파트).
   Keep them if they may contain a unit.
3. Treat all dashes between digits as "-". Replace other punctuation, and the brackets that rule 2 kept, by a space.
4. Drop a leading postal code if a province follows.
5. Shorten a leading province: 서울, 서울시 and 서울특별시 become 서울. Shorten 광주시 only before a district of the metropolis: 경기
   has a 광주시 too.
6. Unify units: 제101동 제1203호, 101동 1203호 and 101-1203. A pair of numbers is a unit after a number or a building's name. At the beginning, and
   after a road (로, 길), 동, 리, 가, 읍, 면 or 산, it is the number of a building or lot. 지하1층 becomes B1층.
7. Drop 번지 after a number, unless it shows that a pair is not a unit of rule 6.
8. Drop white space next to Hangul, except after a digit: ``1길 23`` and ``12길 3``, ``152 동아`` and ``152동 아`` must stay different.
9. Repeat rules 1 to 8 until nothing changes, so that a canonical form is its own canonical form.
"""

import re

from app.identifiers.folding import DASH_CHARS, MASK_CHARS, MalformedValue, casefold_nfkc, fold_text, split_words
from app.identifiers.provinces import PROVINCE_PATTERN, SHORT_NAMES

MAX_LENGTH = 300

LETTERED_BUILDING = "[a-z가나다라마바사아자차카타파하]동"
_LETTERED_BUILDING_WORD = rf"{LETTERED_BUILDING}(?![가-힣])"
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_ROAD_AND_NUMBER = re.compile(r"[로길] ?(?:지하 ?)?[0-9]")
_REMARK = re.compile(rf" ?(?!{_LETTERED_BUILDING_WORD})[가-힣]+(?:[0-9]?동|[0-9]가)(?![가-힣0-9])(.*)")
_UNIT_IN_REMARK = re.compile(rf"(?<![가-힣a-z])(?:[a-z]?-?[0-9]|{_LETTERED_BUILDING_WORD})|지하|지층|옥탑")
_DASH_IN_NUMBER = re.compile(rf"(?<=[0-9]) ?[{DASH_CHARS}] ?(?=[0-9])")
_DASH_OUTSIDE_NUMBER = re.compile(r"(?<![0-9])-|-(?![0-9])")
_POSTAL_CODE = re.compile(rf"^(?:우 ?|우편번호 ?)?(?:[0-9]{{5}}|[0-9]{{3}}-[0-9]{{3}}) (?={PROVINCE_PATTERN.pattern})")
_ORDINAL = re.compile(r"(?:(?<![가-힣])|(?<=[0-9]동))제 ?(?=[0-9]+ ?[동호층])")
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
    folded = fold_text("address", text)  # 1
    if MASK_CHARS.search(folded):
        raise MalformedValue("address", "masked")
    address = _BRACKETS.sub(_drop_remark, casefold_nfkc(folded))  # 2
    address = _DASH_IN_NUMBER.sub("-", address)  # 3
    address = " ".join(split_words(address, keep="-"))
    if "-" in address:  # here and below: skip the regular expression for the addresses that cannot match
        address = _collapse_spaces(_DASH_OUTSIDE_NUMBER.sub(" ", address))
    address = _POSTAL_CODE.sub("", address)  # 4
    if province := PROVINCE_PATTERN.match(address):  # 5
        address = f"{SHORT_NAMES[province[0]]} {address[province.end() :]}"
    if "제" in address:  # 6
        address = _ORDINAL.sub("", address)
    address = _SPACE_BEFORE_COUNTER.sub("", _BASEMENT.sub("b", address))  # 6
    if "-" in address:  # 6, 7
        address = _NUMBER_PAIR.sub(_format_number_pair, address)
    if "번지" in address:  # 7
        address = _LOT_SUFFIX.sub(r"\1 ", address)
    address = _IGNORABLE_SPACE.sub("", _collapse_spaces(address))  # 8
    if not any(char.isalnum() for char in address):
        raise MalformedValue("address", "not-an-address")
    return address


def _collapse_spaces(text: str) -> str:
    return " ".join(text.split())


def _drop_remark(brackets: re.Match[str]) -> str:
    remark = _REMARK.fullmatch(brackets[1])
    follows_road = _ROAD_AND_NUMBER.search(brackets.string, 0, brackets.start())
    dropped = remark and follows_road and not _UNIT_IN_REMARK.search(remark[1])
    return " " if dropped else f" {brackets[1]} "


def _format_number_pair(pair: re.Match[str]) -> str:
    main, sub, suffix = pair.groups(default="")
    has_lot_suffix = suffix.endswith("번지")
    preceding = pair.string[: pair.start()].rstrip()[-1:]
    is_unit = preceding.isdecimal() or ("가" <= preceding <= "힣" and preceding not in NO_UNIT_AFTER)
    if is_unit:
        return f"{main}-{sub}번지 " if has_lot_suffix else f"{main}동{sub}호"
    return f"{main}-{sub} " if has_lot_suffix else pair[0]


_PROVINCE_AND_DISTRICT = re.compile(rf"({'|'.join(sorted(set(SHORT_NAMES.values())))})([가-힣]{{1,4}}?[시군구])?(?=.)")


def mask(canonical: str) -> str:
    """Show province and district, as in ``서울 강남구 ***``. Show nothing of an address that does not begin with them, or that ends there."""
    match = _PROVINCE_AND_DISTRICT.match(canonical)
    return " ".join([*filter(None, match.groups() if match else ()), "***"])

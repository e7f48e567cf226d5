"""Postal addresses: compared inside one's own record, never looked up.

Spellings of one address become equal where that is certain; two addresses never do. The road-name (도로명) and the lot-number (지번) form
of one place stay two.

1. Folded as all text is, then caseless. An address that arrives masked is refused.
2. Behind a road and its number, brackets that open with a 동 hold a reference remark and are dropped: (역삼동, 한빛아파트).
   Not so if they may hold a unit.
3. Dashes of every kind between digits are one. All other punctuation, and brackets that rule 2 left, are white space.
4. A postal code in front is dropped where a province follows it.
5. A province in front has its short name: 서울, 서울시, 서울특별시. 광주시 only before a district of the metropolis: 경기 has another.
6. 제101동 제1203호, 101동 1203호 and 101-1203 are one unit. A pair of numbers is a unit behind a number or a building's name; at the
   beginning, and behind a road (로, 길), 동, 리, 가, 읍, 면 or 산, it is the number of building or lot. 지하1층 is B1층.
7. 번지 behind a number says nothing, unless it tells that a pair is none of rule 6's units.
8. White space beside Hangul says nothing, except behind a digit: ``1길 23`` and ``12길 3``, ``152 동아`` and ``152동 아`` stay apart.
9. Rules 1 to 8 are repeated until nothing changes, so that a canonical form is its own.
"""

import re

from app.identifiers.provinces import PROVINCE, SHORT
from app.identifiers.folding import DASHES, MASK_CHARS, MalformedValue, casefold_nfkc, fold, words

LIMIT = 300

LETTERED = "[a-z가나다라마바사아자차카타파하]동"
_LETTERED_WORD = rf"{LETTERED}(?![가-힣])"
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_ROAD_AND_NUMBER = re.compile(r"[로길] ?(?:지하 ?)?[0-9]")
_REMARK = re.compile(rf" ?(?!{_LETTERED_WORD})[가-힣]+(?:[0-9]?동|[0-9]가)(?![가-힣0-9])(.*)")
_UNIT_IN_REMARK = re.compile(rf"(?<![가-힣a-z])(?:[a-z]?-?[0-9]|{_LETTERED_WORD})|지하|지층|옥탑")
_DASH = re.compile(rf"(?<=[0-9]) ?[{DASHES}] ?(?=[0-9])")
_LOOSE_DASH = re.compile(r"(?<![0-9])-|-(?![0-9])")
_POSTAL_CODE = re.compile(rf"^(?:우 ?|우편번호 ?)?(?:[0-9]{{5}}|[0-9]{{3}}-[0-9]{{3}}) (?={PROVINCE.pattern})")
_ORDINAL = re.compile(r"(?:(?<![가-힣])|(?<=[0-9]동))제 ?(?=[0-9]+ ?[동호층])")
_BASEMENT = re.compile(r"지하 ?(?=[0-9]+ ?층)")
_COUNTER = re.compile(r"(?<=[0-9]) (?=[동호층](?![가-힣]))")
_PAIR = re.compile(r"(?<![0-9-])([0-9]+)-([0-9]+)(?![0-9-])(호| ?번지(?![길로]))?")
NOT_A_UNIT_BEHIND = "로길동리가읍면산"
_LOT = re.compile(r"(?<![0-9-])([0-9]+) ?번지(?![길로])")
_EMPTY_SPACE = re.compile(r"(?<=[가-힣]) +|(?<![0-9 ]) +(?=[가-힣])")


def canonicalize(text: str) -> str:
    """Spell the one form that is compared.

    Raises:
        Malformed: ``masked``, ``not-an-address`` (no letter, no number), ``too-long``, or what `fold` refuses.
    """
    address, before = _tidy(text), ""
    while address != before:  # 9
        address, before = _tidy(address), address
    if len(address) > LIMIT:
        raise MalformedValue("address", "too-long")
    return address


def _tidy(text: str) -> str:
    folded = fold("address", text)  # 1
    if MASK_CHARS.search(folded):
        raise MalformedValue("address", "masked")
    address = _BRACKETS.sub(_without_remark, casefold_nfkc(folded))  # 2
    address = _DASH.sub("-", address)  # 3
    address = " ".join(words(address, keep="-"))
    if "-" in address:  # here and below: most addresses have none, and asking is cheaper than searching
        address = _spaced(_LOOSE_DASH.sub(" ", address))
    address = _POSTAL_CODE.sub("", address)  # 4
    if province := PROVINCE.match(address):  # 5
        address = f"{SHORT[province[0]]} {address[province.end() :]}"
    if "제" in address:  # 6
        address = _ORDINAL.sub("", address)
    address = _COUNTER.sub("", _BASEMENT.sub("b", address))  # 6
    if "-" in address:  # 6, 7
        address = _PAIR.sub(_unit_or_lot, address)
    if "번지" in address:  # 7
        address = _LOT.sub(r"\1 ", address)
    address = _EMPTY_SPACE.sub("", _spaced(address))  # 8
    if not any(char.isalnum() for char in address):
        raise MalformedValue("address", "not-an-address")
    return address


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _without_remark(brackets: re.Match[str]) -> str:
    remark = _REMARK.fullmatch(brackets[1])
    behind_road = _ROAD_AND_NUMBER.search(brackets.string, 0, brackets.start())
    dropped = remark and behind_road and not _UNIT_IN_REMARK.search(remark[1])
    return " " if dropped else f" {brackets[1]} "


def _unit_or_lot(pair: re.Match[str]) -> str:
    main, sub, suffix = pair.groups(default="")
    lot = suffix.endswith("번지")
    behind = pair.string[: pair.start()].rstrip()[-1:]
    counted = behind.isdecimal() or ("가" <= behind <= "힣" and behind not in NOT_A_UNIT_BEHIND)
    if counted:
        return f"{main}-{sub}번지 " if lot else f"{main}동{sub}호"
    return f"{main}-{sub} " if lot else pair[0]


_SHOWN = re.compile(rf"({'|'.join(sorted(set(SHORT.values())))})([가-힣]{{1,4}}?[시군구])?(?=.)")


def mask(canonical: str) -> str:
    """Show province and district, ``서울 강남구 ***``; nothing of an address that begins otherwise or ends there."""
    shown = _SHOWN.match(canonical)
    return " ".join([*filter(None, shown.groups() if shown else ()), "***"])

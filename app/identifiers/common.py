"""The common spellings, read at once: a bulk import has no time for the full rules of `email`, `phone`, `name` and `address`.

Each function gives exactly the form that the full rule gives, or None where that rule has to decide; it never refuses. So a pattern here takes only
what it names: ASCII and whole Hangul syllables, which neither NFKC nor an unseen character can change. What is not certain at a glance is left out:
a spelling too few costs microseconds, one too many is an answer "not found" to somebody who was affected. Rules are numbered as there.
"""

import re

from app.identifiers.address import LETTERED, NOT_A_UNIT_BEHIND
from app.identifiers.provinces import SHORT

_EMAIL = re.compile(  # ++ and *+ give nothing back: there is one way to read it, or none
    r"[A-Za-z0-9_+-]++(?:\.[A-Za-z0-9_+-]++)*+@(?:[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+\.)++[A-Za-z]++"
).fullmatch
_EMAIL_LIMIT = 64  # far below every limit of an address, and its domain's labels are below theirs (63) as well


def email(text: str) -> str | None:
    """Read plain local parts at ASCII domains; two hyphens in a row may be xn--, or forbidden."""
    return text.lower() if len(text) <= _EMAIL_LIMIT and _EMAIL(text) else None


_MOBILE = re.compile(
    r"\(?(?:(?:\+|00)?82[ -]?\(?)?0?\)?10\)?[ .–-]{0,2}([0-9]{4})[ .–-]?([0-9]{4})"  # 1, 3 to 5
).fullmatch


def phone(text: str) -> str | None:
    """Read numbers of 010 with their eight digits."""
    found = _MOBILE(text)
    return f"+8210{found[1]}{found[2]}" if found else None


_HANGUL_NAME = re.compile(r"[가-힣][가-힣 ]{0,49}").fullmatch
_LATIN_NAME = re.compile(r"[A-Za-z][A-Za-z ]{0,49}").fullmatch


def name(text: str) -> str | None:
    """Read names of Hangul alone or of the letters from A to Z alone."""
    if _HANGUL_NAME(text):
        return text.replace(" ", "")
    return " ".join(text.lower().split()) if _LATIN_NAME(text) else None


_REMARK = rf"""
    (?:\ ?\(
        (?!{LETTERED})[가-힣]+동
        (?:,\ ?[a-z]?(?![가-힣]*(?:지하|지층|옥탑))[가-힣]+(?<!동))?  # a building's name that no unit hides in
    \))?
"""
_ADDRESS = re.compile(
    rf"""
    (?:\(?[0-9]{{5}}\)?\ )?                                     # 4
    ([가-힣]+)\                                                 # 5: found in the table, or left to the full rule
    ((?!특별|광역)[가-힣]{{2}}[가-힣 ]*                          # 9: 서울 특별시 would be a province once more
        (?:(?P<road>[로길])(?:\ ?[0-9]+번?길)?|[{NOT_A_UNIT_BEHIND}])\ ?)
    ([0-9]+(?:-[0-9]+)?)(?:번지)?                               # 6: of building or lot; 7
    (?(road){_REMARK})                                          # 2: behind a road only
    (?:[ ,]+(?:
        ((?:(?!번지)[a-z]?[가-힣]{{2,}}\ ?)?[0-9]+동\ ?[0-9]+호|[Bb]?[0-9]+[층호])
        |([0-9]+)-([0-9]+)호?                                   # 6: a unit, behind a number
    ))?
    (?(road){_REMARK})                                          # 2
    """,
    re.VERBOSE,
).fullmatch
_ADDRESS_LIMIT = 200  # no form is longer than what was typed
_PROVINCES = {name: short for name, short in SHORT.items() if name != "광주시"}  # which has a condition


def address(text: str) -> str | None:
    """Read addresses that begin with a province: road or lot with one number, one unit at the end, one remark or two."""
    found = _ADDRESS(text) if len(text) <= _ADDRESS_LIMIT else None
    if found is None:
        return None
    province, place, _, number, unit, wing, room = found.groups()
    short = _PROVINCES.get(province)
    if short is None:
        return None
    house = short + place.replace(" ", "") + number  # 8
    if unit:
        return f"{house} {unit.replace(' ', '').lower()}"
    return f"{house} {wing}동{room}호" if wing else house

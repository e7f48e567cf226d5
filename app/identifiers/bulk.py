"""Canonicalize the common spellings of a whole Arrow column at once.

The full rules of `email`, `phone`, `name` and `address` are too slow for an import.
For each cell, a function returns exactly what the full rules return, or null if they have to decide; it never refuses a value. Its pattern therefore
accepts only what it lists: ASCII and whole Hangul syllables, which neither NFKC nor an invisible character can change. Declining a spelling costs
microseconds; accepting one wrongly gives an affected person a false "not found". Rule numbers are those of the full rules. The patterns are RE2's,
which Arrow uses. The package does not import this module, because a server does not need Arrow.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from app.identifiers import email
from app.identifiers.address import LETTERED_BUILDING, NO_UNIT_AFTER
from app.identifiers.folding import MalformedValue
from app.identifiers.provinces import REPEATED_PROVINCE, SHORT_NAMES

_DECLINED = pa.scalar(None, pa.string())

_PLAIN_LOCAL_PART = r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
_PLAIN_EMAIL = rf"\A{_PLAIN_LOCAL_PART}@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]+\z"
_MAX_EMAIL_LENGTH = 64  # far below the limits of an address and of a domain's labels (63)


def canonicalize_emails(column: pa.StringArray) -> pa.StringArray:
    """Canonicalize emails with a plain local part, at a plain ASCII domain or any other that the full rules accept (they run once for each domain).

    Two consecutive hyphens are not plain: they may be xn--, or forbidden.
    """
    is_plain = pc.and_(
        pc.match_substring_regex(column, _PLAIN_EMAIL), pc.less_equal(pc.binary_length(column), _MAX_EMAIL_LENGTH)
    )
    is_other = pc.invert(is_plain)
    canonical = map(_canonicalize_other_domain, column.filter(is_other).to_pylist())
    return pc.replace_with_mask(pc.ascii_lower(column), is_other, pa.array(canonical, pa.string()))


_match_any_domain = re.compile(rf"({_PLAIN_LOCAL_PART})@(.*)", re.DOTALL).fullmatch
_LONGEST_LOCAL = "x" * 64  # RFC 5321, 4.5.3.1.1: a domain that fits after it fits after any shorter one


def _canonicalize_other_domain(text: str) -> str | None:
    match = _match_any_domain(text) if len(text) <= email.MAX_LENGTH else None
    if match is None or len(match[1]) > len(_LONGEST_LOCAL):
        return None
    domain = _canonicalize_domain(match[2])
    return f"{match[1].lower()}@{domain}" if domain else None


@lru_cache(maxsize=1 << 12)
def _canonicalize_domain(text: str) -> str | None:
    try:
        return email.canonicalize(f"{_LONGEST_LOCAL}@{text}").partition("@")[2]
    except MalformedValue:
        return None


_MOBILE_NUMBER = r"\A\(?(?:(?:\+|00)?82[ -]?\(?)?0?\)?10\)?[ .–-]{0,2}([0-9]{4})[ .–-]?([0-9]{4})\z"  # 1, 3 to 5


def canonicalize_phones(column: pa.StringArray) -> pa.StringArray:
    """Canonicalize mobile numbers 010 with eight digits."""
    is_common = pc.match_substring_regex(column, _MOBILE_NUMBER)
    return pc.if_else(is_common, pc.replace_substring_regex(column, _MOBILE_NUMBER, r"+8210\1\2"), _DECLINED)


_HANGUL_NAME = r"\A[가-힣][가-힣 ]{0,49}\z"
_LATIN_NAME = r"\A[A-Za-z][A-Za-z ]{0,49}\z"


def canonicalize_names(column: pa.StringArray) -> pa.StringArray:
    """Canonicalize names written only in Hangul or only in the letters A to Z."""
    hangul = pc.replace_substring(column, " ", "")
    latin = pc.ascii_rtrim_whitespace(pc.replace_substring_regex(pc.ascii_lower(column), " +", " "))
    return pc.case_when(
        pc.make_struct(pc.match_substring_regex(column, _HANGUL_NAME), pc.match_substring_regex(column, _LATIN_NAME)),
        hangul,
        latin,
    )


_REMARK = r"(?: ?\([가-힣]+동(?:, ?[a-z]?[가-힣]+)?\))?"
_ADDRESS = "".join(
    (
        r"\A(?:\(?[0-9]{5}\)? )?",  # 4
        r"(?P<province>[가-힣]+) ",  # 5: looked up in the table, or left to the full rules
        rf"(?P<locality>[가-힣]{{2}}[가-힣 ]*(?:(?P<road>[로길])(?: ?[0-9]+번?길)?|[{NO_UNIT_AFTER}]) ?)",
        r"(?P<number>[0-9]+(?:-[0-9]+)?)(?:번지)?",  # 6: number of building or lot; 7
        _REMARK,  # 2
        r"(?:[ ,]+(?:(?P<unit>(?:[a-z]?[가-힣]{2,} ?)?[0-9]+동 ?[0-9]+호|[Bb]?[0-9]+[층호])",
        r"|(?P<wing>[0-9]+)-(?P<room>[0-9]+)호?))?",  # 6: a unit, after a number
        _REMARK,  # 2
        r"\z",
    )
)
_UNCERTAIN = "|".join(
    (
        " (?:특별|광역)",  # 9: 서울 특별시 would become a province in the second pass
        r"(?:\A|[0-9)] )광주시 (?:[^동서남북광]|[동서남북][^구]|광[^산]|광산[^구])",  # 5: the 광주시 in 경기
        "[ ,]번지",  # 7: not the name of a building
        rf"\({LETTERED_BUILDING}[,)]",  # 2: a unit at the beginning of the remark, or in a building's name
        r"지하|지층|옥탑|,[^()]*동\)",
        rf"(?:\A|[0-9)] )(?:{REPEATED_PROVINCE})",  # 5
        r"[^0-9A-Za-z(]0[0-9]",  # 6: zeros in front of a unit; 1: 000호
    )
)
"""What the pattern above accepts wrongly, because RE2 has no look-ahead."""
_REMARK_AFTER_LOT = r".\("  # for addresses without a road
_MAX_ADDRESS_LENGTH = 200  # a canonical form is never longer than the input


def canonicalize_addresses(column: pa.StringArray) -> pa.StringArray:
    """Canonicalize addresses that begin with a province: road or lot with one number, one unit at the end, one or two remarks."""
    province, locality, road, number, unit, wing, room = pc.extract_regex(column, _ADDRESS).flatten()
    provinces = province.dictionary_encode()
    short_by_code = pa.array([*map(SHORT_NAMES.get, provinces.dictionary.to_pylist())], pa.string())
    short_names = short_by_code.take(provinces.indices)
    formatted_unit = pc.case_when(
        pc.make_struct(pc.not_equal(unit, ""), pc.not_equal(wing, "")),
        pc.binary_join_element_wise("", pc.replace_substring(pc.ascii_lower(unit), " ", ""), " "),
        pc.binary_join_element_wise(" ", wing, "동", room, "호", ""),
        "",
    )
    canonical = pc.binary_join_element_wise(
        short_names, pc.replace_substring(locality, " ", ""), number, formatted_unit, ""
    )  # 8
    has_remark_after_lot = pc.and_(pc.equal(road, ""), pc.match_substring_regex(column, _REMARK_AFTER_LOT))
    is_uncertain = pc.or_(pc.match_substring_regex(column, _UNCERTAIN), has_remark_after_lot)
    return pc.if_else(
        pc.or_(is_uncertain, pc.greater(pc.utf8_length(column), _MAX_ADDRESS_LENGTH)), _DECLINED, canonical
    )


BULK_CANONICALIZERS: Mapping[str, Callable[[pa.StringArray], pa.StringArray]] = MappingProxyType(
    {
        "email": canonicalize_emails,
        "phone": canonicalize_phones,
        "name": canonicalize_names,
        "address": canonicalize_addresses,
    }
)

"""The common spellings of a whole column, read at once: a bulk import has no time for the full rules of `email`, `phone`, `name` and `address`.

Each function gives, cell by cell, exactly the form that the full rule gives, or null where that rule has to decide; it never refuses. So a pattern
here takes only what it names: ASCII and whole Hangul syllables, which neither NFKC nor an unseen character can change. What is not certain at a
glance is left out: a spelling too few costs microseconds, one too many is an answer "not found" to somebody who was affected. Rules are numbered as
there. The patterns are RE2's, as Arrow has it. Not imported by the package, since a server has no use for Arrow.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from app.identifiers import email as email_rule
from app.identifiers.address import LETTERED, NOT_A_UNIT_BEHIND
from app.identifiers.provinces import SHORT
from app.identifiers.folding import MalformedValue

_UNDECIDED = pa.scalar(None, pa.string())

_LOCAL = r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
_EMAIL = rf"\A{_LOCAL}@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]+\z"
_EMAIL_LIMIT = 64  # far below every limit of an address, and its domain's labels are below theirs (63) as well


def email(column: pa.StringArray) -> pa.StringArray:
    """Read plain local parts: at plain ASCII domains, and at any other that the full rule takes, which is asked once for each domain.

    Two hyphens in a row are not plain: they may be xn--, or forbidden.
    """
    plain = pc.and_(pc.match_substring_regex(column, _EMAIL), pc.less_equal(pc.binary_length(column), _EMAIL_LIMIT))
    other = pc.invert(plain)
    decided = map(_at_other_domain, column.filter(other).to_pylist())
    return pc.replace_with_mask(pc.ascii_lower(column), other, pa.array(decided, pa.string()))


_AT_ANY_DOMAIN = re.compile(rf"({_LOCAL})@(.*)", re.DOTALL).fullmatch
_LONGEST_LOCAL = "x" * 64  # RFC 5321, 4.5.3.1.1: a domain that may stand behind it may stand behind any shorter


def _at_other_domain(text: str) -> str | None:
    found = _AT_ANY_DOMAIN(text) if len(text) <= email_rule.LIMIT else None
    if found is None or len(found[1]) > len(_LONGEST_LOCAL):
        return None
    domain = _other_domain(found[2])
    return f"{found[1].lower()}@{domain}" if domain else None


@lru_cache(maxsize=1 << 12)
def _other_domain(text: str) -> str | None:
    try:
        return email_rule.canonicalize(f"{_LONGEST_LOCAL}@{text}").partition("@")[2]
    except MalformedValue:
        return None


_MOBILE = r"\A\(?(?:(?:\+|00)?82[ -]?\(?)?0?\)?10\)?[ .–-]{0,2}([0-9]{4})[ .–-]?([0-9]{4})\z"  # 1, 3 to 5


def phone(column: pa.StringArray) -> pa.StringArray:
    """Read numbers of 010 with their eight digits."""
    common = pc.match_substring_regex(column, _MOBILE)
    return pc.if_else(common, pc.replace_substring_regex(column, _MOBILE, r"+8210\1\2"), _UNDECIDED)


_HANGUL_NAME = r"\A[가-힣][가-힣 ]{0,49}\z"
_LATIN_NAME = r"\A[A-Za-z][A-Za-z ]{0,49}\z"


def name(column: pa.StringArray) -> pa.StringArray:
    """Read names of Hangul alone or of the letters from A to Z alone."""
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
        r"(?P<province>[가-힣]+) ",  # 5: found in the table, or left to the full rule
        rf"(?P<place>[가-힣]{{2}}[가-힣 ]*(?:(?P<road>[로길])(?: ?[0-9]+번?길)?|[{NOT_A_UNIT_BEHIND}]) ?)",
        r"(?P<number>[0-9]+(?:-[0-9]+)?)(?:번지)?",  # 6: of building or lot; 7
        _REMARK,  # 2
        r"(?:[ ,]+(?:(?P<unit>(?:[a-z]?[가-힣]{2,} ?)?[0-9]+동 ?[0-9]+호|[Bb]?[0-9]+[층호])",
        r"|(?P<wing>[0-9]+)-(?P<room>[0-9]+)호?))?",  # 6: a unit, behind a number
        _REMARK,  # 2
        r"\z",
    )
)
_NOT_CERTAIN = "|".join(
    (
        " (?:특별|광역)",  # 9: 서울 특별시 would be a province once more
        r"(?:\A|[0-9)] )광주시 (?:[^동서남북광]|[동서남북][^구]|광[^산]|광산[^구])",  # 5: another one, in 경기
        "[ ,]번지",  # 7: no building's name
        rf"\({LETTERED}[,)]",  # 2: a unit in the remark's front, or in a building's name
        r"지하|지층|옥탑|,[^()]*동\)",
    )
)
"""RE2 does not look ahead: what the pattern takes too much of."""
_REMARK_BEHIND_A_LOT = r".\("  # where there is no road
_ADDRESS_LIMIT = 200  # no form is longer than what was typed


def address(column: pa.StringArray) -> pa.StringArray:
    """Read addresses that begin with a province: road or lot with one number, one unit at the end, one remark or two."""
    province, place, road, number, unit, wing, room = pc.extract_regex(column, _ADDRESS).flatten()
    named = province.dictionary_encode()
    short = pa.array([*map(SHORT.get, named.dictionary.to_pylist())], pa.string()).take(named.indices)
    beside = pc.case_when(
        pc.make_struct(pc.not_equal(unit, ""), pc.not_equal(wing, "")),
        pc.binary_join_element_wise("", pc.replace_substring(pc.ascii_lower(unit), " ", ""), " "),
        pc.binary_join_element_wise(" ", wing, "동", room, "호", ""),
        "",
    )
    form = pc.binary_join_element_wise(short, pc.replace_substring(place, " ", ""), number, beside, "")  # 8
    behind_a_lot = pc.and_(pc.equal(road, ""), pc.match_substring_regex(column, _REMARK_BEHIND_A_LOT))
    uncertain = pc.or_(pc.match_substring_regex(column, _NOT_CERTAIN), behind_a_lot)
    return pc.if_else(pc.or_(uncertain, pc.greater(pc.utf8_length(column), _ADDRESS_LIMIT)), _UNDECIDED, form)


BULK_CANONICALIZERS: Mapping[str, Callable[[pa.StringArray], pa.StringArray]] = MappingProxyType(
    {"email": email, "phone": phone, "name": name, "address": address}
)

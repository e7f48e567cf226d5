"""Texts that programs write into an empty cell: they stand for nothing, and must not become a value or a person.

Covers spreadsheets (also their error values), R, pandas (its documented list of missing values), Java, JavaScript, and the export formats and viewers
of databases. A marker is a reject and not an empty cell: the file may mean it as text, and guessing could make a recipient of an account's holder.
"""

import re
from itertools import chain
from typing import Final
from unicodedata import category, normalize

STANDS_FOR_NOTHING: Final = "stands for nothing; export it as an empty cell"

_ENGLISH_WORDS: Final = ("null", "none", "nil", "nan", "nat", "na", "undefined")
_KOREAN_WORDS: Final = tuple(f"{prefix}없음" for prefix in ("", "해당", "정보"))
MARKERS_LIKE_NAMES: Final = (*_ENGLISH_WORDS, *_KOREAN_WORDS)
"""Markers of letters only, in canonical form of a name. As a name they are taken, and counted: people are called Null and Na."""

_WORD: Final = re.compile("|".join((*_ENGLISH_WORDS, "(?:해당|정보)? ?없음")), re.IGNORECASE)
_MARKER: Final = re.compile(
    rf"""
    (?: [<(\[{{"'] \s* )? (?: {_WORD.pattern.replace(" ", "[ ]")} | n/a ) (?: \s* [>)\]}}"'] )?
    | n\.a\. | not[ ]available | [(]blank[)]
    | \\{{1,2}}n                                # \N of PostgreSQL, MySQL and Hive
    | -nan | -?1\.\#(?:ind|qnan|inf)            # numbers of C
    | [#](?:n/a.*|na|[a-z0-9/_]+[!?]|getting_data)   # #REF!, #NAME?, #DIV/0!, #N/A N/A …
    | [#]{{2,}}                                 # a column that was too narrow
    | err:[0-9]{{3}}                            # LibreOffice
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_MAX_MARKER_CHARS: Final = 40
UNMARKED_STARTS: Final = frozenset(map(chr, chain(range(0x20, 0x7F), range(0xAC00, 0xD7A4)))).difference(
    "nuNU#\\<([{\"'-1eE없해정"
)
"""ASCII characters and Hangul syllables with which no marker begins. Nearly all values begin with one; any other may be full-width or invisible."""

_INVISIBLE_CHARS: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
"""Invisible though not of category Cf: joiners, fillers and variation selectors (Default_Ignorable_Code_Point of Unicode)."""


def is_marker_of_nothing(text: str) -> bool:
    """Return whether *text*, which has no white space around it, stands for nothing. Case, width and invisible characters do not matter."""
    if not text or text[0] in UNMARKED_STARTS or len(text) > _MAX_MARKER_CHARS:
        return False
    return _MARKER.fullmatch(_fold(text)) is not None


def is_marker_in_name(text: str) -> bool:
    """Return whether *text* stands for nothing and cannot be a person's name, either."""
    return is_marker_of_nothing(text) and not _WORD.fullmatch(_fold(text))


def drop_invisible_chars(text: str) -> str:
    """Return *text* without invisible characters, which come with copied text."""
    return "".join(char for char in _INVISIBLE_CHARS.sub("", text) if category(char) != "Cf")


def _fold(text: str) -> str:
    return text if text.isascii() else normalize("NFKC", drop_invisible_chars(text)).strip()

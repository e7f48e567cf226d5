"""Text folding, the first step for every kind of value, and the error that they share.

1. Refuse more than `MAX_RAW_LENGTH` characters unread, and again after NFKC, which can turn one character into eighteen (U+FDFA).
2. Replace all apostrophes by ', also those that Unicode calls letters, accents or primes. Normalize to NFKC: decomposed Hangul, full-width and
   half-width forms and compatibility jamo get one spelling.
3. Replace each run of white space by one space, and strip the ends.
4. Drop invisible characters, which come with copied text: zero-width characters, joiners, soft hyphen, direction marks, variation selectors,
   Hangul fillers.
5. Refuse other control characters, lone surrogates, private and unassigned code points: a later version of Unicode may fold them differently.
6. Replace ㆍ by a middle dot unless jamo stand beside it. Korean keyboards give this letter for the dot; NFKC makes it a vowel of old Hangul.

No error of this package may contain the text: not in its message, arguments, cause or context.
"""

import re
from typing import Literal
from unicodedata import category, normalize

from app.errors import InvalidInput

ValueKind = Literal["email", "phone", "name", "address"]

MAX_RAW_LENGTH = 1_000

DASH_CHARS = (
    "\\-\u058a\u05be\u1400\u1806\u2010-\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u30a0\U00010ead"  # Pd without wave dashes: those mean a range
    "\u02d7\u2043\u2212\u2500\u2796"  # modifier minus, hyphen bullet, minus, box line, heavy minus
    "\u1173\u30fc"  # ㅡ (after NFKC) and ー, typed instead of a dash on Korean and Japanese keyboards
)
"""Characters that people type as a dash, for use inside a character class."""

_APOSTROPHES = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201b\u2032\u2035\u275b\u275c\uff07\uff40", "'"),  # quotation marks, primes
        **dict.fromkeys(
            "\u00b4\u0384\u1fbd\u1fbf\u1fef\u1ffd\u1ffe", "'"
        ),  # accents; NFKC splits most into a space and a mark
        **dict.fromkeys(
            "\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb\u0374\u055a\u05f3\ua78b\ua78c", "'"
        ),  # letters
        "\u02ba": '"',
    }
)
_JAMO = "[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]"
_LONE_ARAEA = re.compile(f"(?<!{_JAMO})[\u119e\u11a2]+(?!{_JAMO})")
"""ㆍ and ᆢ (two of them, on phones) in NFKC."""

_WHITESPACE_CONTROLS = "\t\n\v\f\r\x85"
_NOT_PLAIN_CHAR = re.compile("[^ -~가-힣]")
"""Neither printable ASCII nor a whole Hangul syllable. Only these need a look-up of their category, which is slow."""
_INVISIBLE_CHAR = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_NOT_PLAIN_WORD_CHAR = re.compile("[^0-9A-Za-z가-힣 ]")


class MalformedValue(InvalidInput):
    """Text that has no canonical form. The error has the kind and the reason, never the text.

    Attributes:
        kind: the kind of value that was expected.
        reason: a machine-readable code, such as ``empty`` or ``too-long``.
    """

    def __init__(self, kind: ValueKind, reason: str) -> None:
        super().__init__(kind, reason)  # both are arguments, so that the error can be pickled by a worker process
        self.kind = kind
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


def fold_text(kind: ValueKind, text: str) -> str:
    """Fold *text* by the rules above. The result is not empty and has no white space at its ends.

    Raises:
        MalformedValue: ``too-long``, ``not-text`` or ``empty``.
    """
    if len(text) > MAX_RAW_LENGTH:  # 1
        raise MalformedValue(kind, "too-long")
    folded = normalize("NFKC", text if text.isascii() else text.translate(_APOSTROPHES))  # 2
    if len(folded) > MAX_RAW_LENGTH:  # 1
        raise MalformedValue(kind, "too-long")
    if _NOT_PLAIN_CHAR.search(folded):
        visible = _NOT_PLAIN_CHAR.sub(lambda char: _classify_char(kind, char[0]), folded)
        folded = normalize("NFKC", _INVISIBLE_CHAR.sub("", visible))  # 4; the neighbours of a dropped one may compose
        folded = _LONE_ARAEA.sub("·", folded.translate(_APOSTROPHES))  # 6; 2: NFKC makes an apostrophe of ŉ
    folded = " ".join(folded.split())
    if not folded:
        raise MalformedValue(kind, "empty")
    return folded


def _classify_char(kind: ValueKind, char: str) -> str:
    match category(char):
        case "Zs" | "Zl" | "Zp":  # 3
            return " "
        case "Cc" if char in _WHITESPACE_CONTROLS:
            return " "
        case "Cf":  # 4
            return ""
        case "Cc" | "Cs" | "Co" | "Cn":  # 5
            raise MalformedValue(kind, "not-text")
        case _:
            return char


def casefold_nfkc(text: str) -> str:
    """Fold the case of *text*, which must be in NFKC, and normalize the result again."""
    return normalize("NFKC", text.casefold())


def split_words(text: str, *, keep: str = "") -> list[str]:
    """Split at every character that is not a letter, a mark, a number or one of *keep*."""
    return _NOT_PLAIN_WORD_CHAR.sub(
        lambda char: char[0] if category(char[0])[0] in "LMN" or char[0] in keep else " ", text
    ).split()

"""Rules for account_ref and recipient_ref, which say who is the same person. Every format uses them for both columns.

A wrong reference is worse than none: two people that a spreadsheet gave the same number would be told each other's leak.

1. Drop invisible characters, normalize to NFC, and strip the ends. Copied text and files that were joined end to end contain such spellings of one
   reference. Width and case are kept: they may tell accounts apart.
2. Refuse what a spreadsheet damaged, and what stands for nothing.
"""

import re
from typing import Final
from unicodedata import category, normalize

from app.source_files.markers import STANDS_FOR_NOTHING, drop_invisible_chars, is_marker_of_nothing

_NOT_ASCII_PRINTABLE: Final = re.compile(r"[^ -~]")
_WHITE_SPACE_CONTROLS: Final = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"

_ROUNDED: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*[eE][+-]?|[eE][+-])[0-9]+")
"""A power of ten. Its sign or its decimal mark is required: ``12E4`` may be hexadecimal."""
_DECIMAL: Final = re.compile(r"[+-]?[0-9]+[.,]0+")
_GROUPED: Final = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")

_DAMAGED: Final = "damaged by a spreadsheet"
_AS_TEXT: Final = "export the column as text"

_WORD_CHAR: Final = "[0-9A-Za-z_-]"
PLAIN_REFERENCE: Final = (
    r"\A(?:"
    rf"[0-9]+(?:[A-DF-Za-df-z_-]{_WORD_CHAR}*|[eE](?:[0-9A-Za-z_]{_WORD_CHAR}*)?)?"  # not 1E-05
    rf"|[A-MO-TV-Za-mo-tv-z][A-Za-z_-]*(?:[0-9]{_WORD_CHAR}*)?"
    rf"|[NUnu_-][A-Za-z_-]*[0-9]{_WORD_CHAR}*"  # with a digit: NULL and undefined have none
    r")\z"
)
"""References of at most `MAX_PLAIN_CHARS` that these rules return unchanged, as most are. A pattern of RE2 without ambiguity and counted repetition,
which RE2 matches in one pass."""
MAX_PLAIN_CHARS: Final = 64

_SAFE_STARTS: Final = frozenset("abcdfghijklmopqrstvwxyzABCDFGHIJKLMOPQRSTVWXYZ")
"""ASCII letters with which neither a marker nor a damaged reference begins."""


def normalize_reference(text: str) -> str:
    """Return the spelling by which references are compared (1)."""
    if _NOT_ASCII_PRINTABLE.search(text):
        text = normalize("NFC", drop_invisible_chars(text))
    return text.strip()


def is_plain_reference(text: str) -> bool:
    """Return whether these rules certainly return *text* unchanged, as they do for most references."""
    if not text.isascii():
        return False
    return text.isdigit() or (text[:1] in _SAFE_STARTS and text[-1] != " " and text.isprintable())


def parse_reference(text: str) -> tuple[str, str]:
    """Return the normalized reference, and why it cannot be used (empty: it can). An empty cell is an empty reference."""
    reference = normalize_reference(text)
    return reference, _find_problem(reference) if reference else ""


def _find_problem(reference: str) -> str:  # 2
    if any(category(char) == "Cc" and char not in _WHITE_SPACE_CONTROLS for char in reference):
        return "holds a control character"
    folded = reference if reference.isascii() else normalize("NFKC", reference)
    if is_marker_of_nothing(folded):
        return STANDS_FOR_NOTHING
    if not any(map(str.isalnum, folded)):
        return "must hold a letter or a digit"
    if _ROUNDED.fullmatch(folded):
        return f"{_DAMAGED}: a rounded number, so that different references look the same; {_AS_TEXT}"
    if _DECIMAL.fullmatch(folded) or _GROUPED.fullmatch(folded):
        return f"{_DAMAGED}: a number with a decimal mark or separators; {_AS_TEXT}"
    if folded.startswith(("'", "=")):
        return f"{_DAMAGED}: a leading ' or = is not part of the reference; {_AS_TEXT}"
    return ""

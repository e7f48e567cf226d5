"""The code as people type or paste it.

Phones and mail programs add spaces, dashes, direction marks and the full stop of a sentence, and keyboards of many scripts have digits of their
own. None of this can turn one code into another. Anything else, such as letters, is not removed: it might be part of something that is no code.
"""

import re
from unicodedata import category, decimal, normalize

from app.identifiers.folding import DASH_CHARS

CODE_LENGTH = 8
MAX_TYPED_LENGTH = 100
"""More characters than a code has in any spelling."""

_DASH = re.compile(f"[{DASH_CHARS}]")
_FULL_STOPS = ".\u3002"
"""Also of the full-width and half-width forms, which NFKC folds into these two."""
_FILLERS = "\u115f\u1160"
"""Letters that are not visible: what NFKC makes of the Hangul fillers."""
_INVISIBLE_CATEGORIES = frozenset({"Cf", "Mn", "Zs", "Zl", "Zp"})
"""Format characters, spaces, and the marks among which the variation selectors are."""


def read_code(typed: str, length: int = CODE_LENGTH) -> str | None:
    """Return the ASCII digits of a typed code, or None if it cannot be a code.

    1. Normalize to NFKC, which folds full-width and other styled digits.
    2. Drop white space, invisible characters and dashes, and full stops at the end.
    3. Convert the decimal digits of all scripts.
    4. Require *length* digits and nothing else.
    """
    if len(typed) > MAX_TYPED_LENGTH:
        return None
    visible = (char for char in normalize("NFKC", typed) if not _is_dropped(char))  # 1, 2
    digits = "".join(map(_convert_digit, visible)).rstrip(_FULL_STOPS)  # 2, 3
    return digits if len(digits) == length and digits.isascii() and digits.isdecimal() else None  # 4


def _is_dropped(char: str) -> bool:
    is_invisible = char.isspace() or char in _FILLERS or category(char) in _INVISIBLE_CATEGORIES
    return is_invisible or _DASH.fullmatch(char) is not None


def _convert_digit(char: str) -> str:
    value = decimal(char, None)
    return char if value is None else str(value)

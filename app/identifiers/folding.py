"""What all kinds share: how typed text is folded before anything looks at it, and the one error.

1. Over `RAW_LIMIT` characters is refused unread, and again behind NFKC, which can make one character eighteen (U+FDFA).
2. NFKC: decomposed Hangul, full-width and half-width forms and compatibility jamo become one spelling.
3. Every kind of white space becomes one space; none is left at the ends.
4. What cannot be seen is dropped, it comes with copied text: zero-width characters, joiners, soft hyphen, direction marks, variation selectors,
   Hangul fillers.
5. Other control characters, lone surrogates, private and unassigned code points are refused: the next Unicode may fold them otherwise.

Nothing here or in its neighbours may put the text into an error: not in the message, the arguments, the cause or the context.
"""

import re
from typing import Literal
from unicodedata import category, normalize

from app.errors import InvalidInput

ValueKind = Literal["email", "phone", "name", "address"]

RAW_LIMIT = 1_000

DASHES = (
    "\\-\u058a\u05be\u1400\u1806\u2010-\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u30a0\U00010ead"  # Pd, but not the wavy ones: a range
    "\u02d7\u2043\u2212\u2500\u2796"  # modifier minus, hyphen bullet, minus, box line, heavy minus
    "\u1173\u30fc"  # ㅡ (after NFKC) and ー, typed for a dash on Korean and Japanese keyboards
)
"""For a character class: what people write for a dash."""

MASK_CHARS = re.compile("[*○●◯]")
"""What others mask values with: half a value is not to be compared."""

_WHITE_CONTROLS = "\t\n\v\f\r\x85"
_OUT_OF_PLAIN = re.compile("[^ -~가-힣]")
"""Neither printable ASCII nor a whole Hangul syllable: only of these is it asked what they are, for asking takes the time."""
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_NO_PLAIN_WORD = re.compile("[^0-9A-Za-z가-힣 ]")


class MalformedValue(InvalidInput):
    """Text that has no canonical form. It knows the kind and the reason, never the text.

    Attributes:
        kind: what the text was taken for.
        reason: a short code for machines, such as ``empty`` or ``too-long``.
    """

    def __init__(self, kind: ValueKind, reason: str) -> None:
        super().__init__(kind, reason)  # both, so that it survives the way back from a worker process
        self.kind = kind
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


def fold(kind: ValueKind, text: str) -> str:
    """Fold *text* by the rules above; what is left is neither empty nor padded.

    Raises:
        Malformed: ``too-long``, ``not-text`` or ``empty``.
    """
    if len(text) > RAW_LIMIT:  # 1
        raise MalformedValue(kind, "too-long")
    folded = normalize("NFKC", text)  # 2
    if len(folded) > RAW_LIMIT:  # 1
        raise MalformedValue(kind, "too-long")
    if _OUT_OF_PLAIN.search(folded):
        seen = _OUT_OF_PLAIN.sub(lambda char: _seen(kind, char[0]), folded)
        folded = normalize("NFKC", _UNSEEN.sub("", seen))  # 4; its neighbours may now compose
    folded = " ".join(folded.split())
    if not folded:
        raise MalformedValue(kind, "empty")
    return folded


def _seen(kind: ValueKind, char: str) -> str:
    match category(char):
        case "Zs" | "Zl" | "Zp":  # 3
            return " "
        case "Cc" if char in _WHITE_CONTROLS:
            return " "
        case "Cf":  # 4
            return ""
        case "Cc" | "Cs" | "Co" | "Cn":  # 5
            raise MalformedValue(kind, "not-text")
        case _:
            return char


def casefold_nfkc(text: str) -> str:
    """Fold the case of *text* in NFKC, and stay in it. Once is enough only because it was folded before."""
    return normalize("NFKC", text.casefold())


def words(text: str, *, keep: str = "") -> list[str]:
    """Split where neither a letter, a mark, a number nor one of *keep* stands."""
    return _NO_PLAIN_WORD.sub(
        lambda char: char[0] if category(char[0])[0] in "LMN" or char[0] in keep else " ", text
    ).split()

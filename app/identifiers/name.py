"""Names of people: compared inside one's own record, never looked up.

1. Folded as all text is, then caseless.
2. Only letters, marks and numbers count. Dots, hyphens, middle dots, brackets and hearts part words and say nothing more.
3. Words of Hangul, Han or kana are written together (홍 길동 is 홍길동); others are parted by one space.
4. A name that arrives masked (홍*동) is refused: it could be several.
"""

import re
from unicodedata import normalize

from app.identifiers.folding import MASK_CHARS, MalformedValue, casefold_nfkc, fold, words

LIMIT = 100

_WRITTEN_TOGETHER = re.compile(
    "[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def canonicalize(text: str) -> str:
    """Spell the one form that is compared.

    Raises:
        Malformed: ``masked``, ``not-a-name`` (no letter, no number), ``too-long``, or what `fold` refuses.
    """
    folded = fold("name", text)
    if MASK_CHARS.search(folded):  # 4
        raise MalformedValue("name", "masked")
    name = " ".join(words(casefold_nfkc(folded)))  # 1, 2
    if _WRITTEN_TOGETHER.search(name):  # 3
        name = normalize("NFC", name.replace(" ", ""))
    if not any(char.isalnum() for char in name):
        raise MalformedValue("name", "not-a-name")
    if len(name) > LIMIT:
        raise MalformedValue("name", "too-long")
    return name


def mask(canonical: str) -> str:
    """Show ``홍*동``, ``홍*``, ``j*** s****``: where words are written together the first and, of three or more, the last."""
    return " ".join(map(_mask_word, canonical.split())) if " " in canonical else _mask_word(canonical)


def _mask_word(word: str) -> str:
    hidden = len(word) - 1
    if hidden > 1 and _WRITTEN_TOGETHER.search(word):
        return word[0] + "*" * (hidden - 1) + word[-1]
    return word[0] + "*" * hidden if hidden else "*"

"""Canonical form of people's names. They are compared with a person's own record, never looked up.

1. Fold the text as for every kind, then fold case.
2. Keep only letters, marks and numbers. Dots, hyphens, middle dots, brackets and hearts separate words.
3. Join the words of a name in Hangul, Han or kana (홍 길동 becomes 홍길동). Separate other words by one space.
4. Refuse a name that is already masked (홍*동, 홍X동, 홍OO): it could be several names.
"""

import re
from unicodedata import normalize

from app.identifiers.folding import MalformedValue, casefold_nfkc, fold_text, split_words
from app.identifiers.masked import has_masking_letters, has_masking_symbols

MAX_LENGTH = 100

_HANGUL_HAN_KANA = re.compile(
    "[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def canonicalize(text: str) -> str:
    """Return the canonical form of a name.

    Raises:
        MalformedValue: ``masked``, ``not-a-name`` (no letter, no number), ``too-long``, or a reason of `fold_text`.
    """
    folded = fold_text("name", text)
    words = split_words(casefold_nfkc(folded))  # 1, 2
    name = " ".join(words)
    if _HANGUL_HAN_KANA.search(name):  # 3
        name = normalize("NFC", name.replace(" ", ""))
    # Joining words can also make a masked name, such as 홍 X 동. A canonical form must not be refused.
    if has_masking_symbols(folded) or any(map(has_masking_letters, {*words, name})):  # 4
        raise MalformedValue("name", "masked")
    if not any(char.isalnum() for char in name):
        raise MalformedValue("name", "not-a-name")
    if len(name) > MAX_LENGTH:
        raise MalformedValue("name", "too-long")
    return name


def mask(canonical: str) -> str:
    """Show ``홍*동``, ``홍*``, ``j*** s****``: the first letter of each word; in joined names of three or more letters, the last one too."""
    return " ".join(map(_mask_word, canonical.split())) if " " in canonical else _mask_word(canonical)


def _mask_word(word: str) -> str:
    hidden = len(word) - 1
    if hidden > 1 and _HANGUL_HAN_KANA.search(word):
        return word[0] + "*" * (hidden - 1) + word[-1]
    return word[0] + "*" * hidden if hidden else "*"

"""Recognizes values that somebody has masked before: ``홍*동``, ``홍OO``, ``ho***@example.com``, ``서울 강남구 ★★★``, ``XX로``.

A masked value could be several values, so that it must not be compared. Some of the symbols that mask are decoration as well
(☆엄마☆, 1203호 ※부재시), and X and O are letters. These count only where they replace letters. All functions expect text in NFKC: ＊ is * there,
and ㅇ and ㅁ are initial jamo.
"""

import re

_LETTER = r"[^\W\d_]"
_ASTERISKS = "*\u066d\u204e\u2051\u2055\u2217\u22c6\u2731-\u2733\u273a-\u273d\U0001f7af-\U0001f7bf○●◯"
"""Asterisks, and the circles that Korean sites mask with. They stand in no value."""
_SHAPES = "\u25a0-\u25b1◉\u25cc-\u25ce\u25d0-\u25d7\u25fb-\u25fe\u26aa-\u26ac⬛⬜⬤⭕⭘"
"""Squares and circles, which may begin a name, as a bullet does, but do not follow one."""
_STARS = (
    "\u2605\u2606\u2609\u269d\u26e4-\u26e7\u25b2-\u25c8\u25ca\u25d8-\u25e5\u25e7-\u25ee\u25f0-\u25fa\u25ff"
    "\u2b1d-\u2b23\u2b25-\u2b2f\u2b50-\u2b54\u2721-\u2730\u2734-\u2739\U0001f31f"
    "\u203b\u3013\u00d7\u2573\u2715-\u2718\u274c\u2a2f\ufffd\U0001f534\U0001f535\U0001f7e0-\U0001f7eb"
)
"""Stars, polygons, crosses, ※, 〓, and what replaces an undecodable character. Most are decoration as well."""
_BULLETS = "•◦"
"""Most are typed as a middle dot: 선우•은숙."""

_HAN_OR_KANA = "[\u3041-\u30ff\u3400-\u9fff]"
_NOT_A_NUMERAL = "[一二三四五六七八九十百千零]"
_HAN_ZERO = (
    rf"(?<=[가-힣])〇|〇(?=[가-힣])|(?<={_HAN_OR_KANA})(?<!{_NOT_A_NUMERAL})〇+(?={_HAN_OR_KANA})(?!{_NOT_A_NUMERAL})"
)
"""〇 (U+3007) as a circle, and not as the numeral of 二〇二六."""

_RUN = "(?:[xχх]{2,}|[oοо]{2,}|[\u110b\u1106]{2,})"
"""Two or more of X, O, ㅇ or ㅁ; also the Greek and Cyrillic letters that look like them."""
_RUN_AT_HANGUL = rf"(?<=[가-힣]){_RUN}(?![a-z0-9])|(?<![a-z0-9]){_RUN}(?=[가-힣])"
_REPLACED = "[xχхoοо0〇\u110b\u1106]{1,3}"
_TITLE = "(?:님|씨|귀하|고객님)?"

_NAME_SYMBOLS = re.compile(
    "|".join(
        (
            f"[{_ASTERISKS}]",
            rf"(?<={_LETTER})[{_SHAPES}]",
            rf"(?<={_LETTER})[{_STARS}?#]+(?={_LETTER})",
            rf"(?<={_LETTER})(?:[{_BULLETS}]{{2,}}|__+)",
            rf"(?<![^\W_])[가-힣] [{_STARS}{_SHAPES}?#_]+ [가-힣](?![^\W_])",
            r"(?<![^\W_])[가-힣]_[가-힣]",
            rf"(?<![^\W_])[가-힣][{_BULLETS}][가-힣](?![^\W_])",
            # a single letter is no name: the rest is hidden
            rf"(?<![^\W_])(?:[가-힣][{_STARS}{_BULLETS}?#_]+|{_LETTER}[{_STARS}?#]{{2,}})(?![^\W_])",
            _HAN_ZERO,
        )
    )
)
_MAYBE_REPLACED = re.compile("[xхχoοо0〇\u110b\u1106]")
_NAME_LETTERS = re.compile(
    rf"(?:[가-힣]{_REPLACED}[가-힣]{{0,2}}|[가-힣]{{2}}{_REPLACED}[가-힣]){_TITLE}|.*(?:{_RUN_AT_HANGUL}|{_HAN_ZERO}).*"
    "|[\u110b\u1106]{2,}",
    re.DOTALL,
)

_ADDRESS = re.compile(
    "|".join(
        (
            f"[{_ASTERISKS}]",
            f"[{_SHAPES}{_STARS}]{{2,}}|[{_BULLETS}]{{2,}}|[?#]{{2,}}|__+",
            # a single one replaces letters only in a district's or road's name; before other words it begins a remark
            rf"(?<={_LETTER})[{_SHAPES}{_STARS}](?=[가-힣]?[시도군구읍면동리로길가](?!{_LETTER}))",
            rf"(?<![^\W_])[가-힣][{_SHAPES}{_STARS}](?={_LETTER})",
            r"(?<=[^\W_])\?(?=[^\W_])",
            rf"(?<={_LETTER})#(?={_LETTER})",
            _HAN_ZERO,
            _RUN_AT_HANGUL,
            rf"(?<=[가-힣] ){_RUN}(?![^\W_])",
            r"(?<![0-9a-z-])00+(?= ?(?:[동호층로길]|번지))",
        )
    )
)

_MAYBE_MASKED = re.compile(rf"[{_ASTERISKS}{_SHAPES}{_STARS}{_BULLETS}?#_〇\u1106\u110bхχοо]|xx|oo|00")
"""What every masked address or name in symbols has. Much faster than the patterns above."""

_EMAIL = re.compile(
    rf"[{_ASTERISKS}{_BULLETS}]{{2,}}|[{_ASTERISKS}{_BULLETS}](?=[^\W_])|(?<=[^\W_])[{_ASTERISKS}{_BULLETS}]|[?#]{{2,}}"
)
"""``*``, ``?`` and ``#`` are allowed in a mailbox, but no provider gives one that has two in a row, or a star at a letter."""


def has_masking_symbols(name: str) -> bool:
    """Return whether a symbol of *name*, which must have its punctuation, hides a part of it."""
    return _MAYBE_MASKED.search(name) is not None and _NAME_SYMBOLS.search(name) is not None


def has_masking_letters(name: str) -> bool:
    """Return whether X, O, 0, 〇, ㅇ or ㅁ hides a letter of a Hangul *name*. It must be one word, without punctuation and in lower case."""
    return _MAYBE_REPLACED.search(name) is not None and _NAME_LETTERS.fullmatch(name) is not None


def is_masked_address(address: str) -> bool:
    """Return whether a part of *address*, which must be in lower case, is hidden."""
    return _MAYBE_MASKED.search(address) is not None and _ADDRESS.search(address) is not None


def is_masked_email(email: str) -> bool:
    """Return whether a part of *email* is hidden."""
    return _EMAIL.search(email) is not None

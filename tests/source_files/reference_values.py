"""The cells of the reference reader: one value at a time, from the description of the data set file."""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any
from unicodedata import category, normalize

from app.identifiers import VALUE_KINDS, MalformedValue, canonicalize

NOT_TEXT = re.compile("[\0\ud800-\udfff]")
WORD = "null|nan|none|na|없음"
MARKER = re.compile(rf"""([<(\["']\s*)?({WORD}|n/a)(\s*[>)\]"'])?|\\{{1,2}}n|#n/?a|#[a-z0-9/]+[!?]|##+""")
DAMAGED = re.compile(r"[-+]?\d+([.,]\d*e[-+]?|e[-+])\d+|[-+]?\d+[.,]0+|\d{1,3}(,\d{3})+(\.\d+)?|['=](?s:.*)|[\W_]*")
CONTROL = re.compile("[\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
NAMES_APART = re.compile(r"[^|｜;；\r\n]*[^\W\d_][^|｜;；\r\n]*")
BETWEEN_BARS = re.compile(r"((?:\|\||[^|])*)(?:\||\Z)")
"""From the left: two bars are one in the text, one bar separates two values."""


def read_cell(column: str, cell: object, *, is_csv: bool) -> list[str] | None:
    """Return the values of a cell; None if it makes its row a reject, one empty value if all its emails are malformed."""
    holds_values = column in (*VALUE_KINDS, "items")
    if column == "count" and type(cell) is int:
        cell = str(cell)
    listed: list[Any] = cell if isinstance(cell, list) and holds_values else [cell]
    texts = [text for text in listed if text is not None]
    if not all(isinstance(text, str) for text in texts):
        return None
    joined = "".join(texts)
    if len(joined) > 10_000 or NOT_TEXT.search(joined):
        return None
    if is_csv and holds_values:
        texts = [part.replace("||", "|") for part in BETWEEN_BARS.findall(joined)]
    values = [_read_value(column, text.strip()) for text in texts if text.strip()]
    if None in values or (column == "account_ref" and not any(values)):
        return None
    is_left_out = column == "email" and values and not any(values)
    return [""] if is_left_out else [value for value in values if value]


@lru_cache(maxsize=1 << 16)
def _read_value(column: str, text: str) -> str | None:
    folded = _drop_invisible(normalize("NFKC", _drop_invisible(text))).casefold()
    if column != "items" and MARKER.fullmatch(folded) and not (column == "name" and re.fullmatch(WORD, folded)):
        return None
    if column.endswith("_ref"):
        is_damaged = folded and (DAMAGED.fullmatch(folded) or CONTROL.search(folded))
        return None if is_damaged else normalize("NFC", _drop_invisible(text))
    if column == "name" and len(NAMES_APART.findall(text)) > 1:
        return None
    if column == "count":
        return text if re.fullmatch("[0-9]{1,10}", text) and 0 < int(text) < 2**31 else None
    if column == "confidence":
        return text if text in ("withdrawn", "possible", "confirmed") else None
    try:
        return canonicalize(column, text) if column in VALUE_KINDS else text
    except MalformedValue as error:  # a malformed email is left out, but two emails in one value are not
        is_left_out = error.reason == "not-an-email" and len({*_emails_in(text)}) < 2
        return "" if is_left_out else None


def _emails_in(text: str) -> Iterator[str]:
    for part in re.split(r"[^\w.@+-]", normalize("NFKC", text)):
        with suppress(MalformedValue):
            yield canonicalize("email", part)


def _drop_invisible(text: str) -> str:
    return "".join(char for char in text if category(char) != "Cf" and char not in "\ufe0f\u1160\u3164").strip()

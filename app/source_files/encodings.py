"""Names of text encodings, and what the first bytes of a file say about its encoding.

A wrong encoding otherwise shows as a NUL character or as an unknown column, which does not name the cause.
"""

import codecs
import re
from typing import Final

from app.errors import InvalidInput

_CODE_PAGE: Final = re.compile(r"(?:x-)?(?:windows|mswin|win|ms|cp|code ?page)[-_ ]?([0-9]{3,5})(?:le)?", re.IGNORECASE)
_OTHER_NAMES: Final = {"unicode": "utf-16", "ucs-2": "utf-16", "ucs2": "utf-16", "ucs-2le": "utf-16-le"}
"""Names in the dialogs of Windows editors and Excel ("Unicode text")."""

_UNKNOWN: Final = (
    "no such text encoding (Korean Excel writes cp949, which is also called windows-949; its Unicode text is utf-16)"
)

MIN_START_BYTES: Final = 8
"""Of a file, to judge its encoding by."""

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WITHOUT_MARK: Final = (
    (re.compile(rb"[^\0]\0\0\0[^\0]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[^\0]\0\0\0[^\0]"), "utf-32-be"),
    (re.compile(rb"[^\0]\0[^\0]\0"), "utf-16-le"),
    (re.compile(rb"\0[^\0]\0[^\0]"), "utf-16-be"),
)
"""How two ASCII characters look; a header and a JSON object begin with ASCII."""


def find_codec(name: str) -> str:
    """Return the name of Python's codec for a text encoding.

    Raises:
        InvalidInput: the encoding does not exist.
    """
    code_page = _CODE_PAGE.fullmatch(name.strip())
    name = f"cp{code_page[1]}" if code_page else _OTHER_NAMES.get(name.strip().lower(), name)
    try:
        "".encode(name)  # raises for a codec that is not a text encoding
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        raise InvalidInput(_UNKNOWN) from None


def find_contradiction(codec: str, start: bytes) -> str:
    """Return why a file that starts with *start* cannot be in *codec*; empty if it may be."""
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), "")
    family = codec.removesuffix("-sig")
    if marked:
        fits = family.startswith(marked) or family == marked[: len("utf-16")]
        return "" if fits else f"its byte order mark is that of {marked[: len('utf-16')]}, not of {codec}"
    if family.startswith(("utf-16-", "utf-32-")):
        return ""
    unmarked = next((name for pattern, name in _WITHOUT_MARK if pattern.match(start)), "")
    if family in ("utf-16", "utf-32"):
        if len(start) < MIN_START_BYTES:
            return ""
        return "has no byte order mark; " + (f"name the encoding {unmarked}" if unmarked else f"it is not {family}")
    return f"holds a NUL character, because it is not {codec}: name the encoding {unmarked}" if unmarked else ""

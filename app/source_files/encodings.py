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
_HANGUL: Final = re.compile("[가-힣]")
_NOT_ASCII: Final = re.compile("[^\0-\x7f]")

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


def guess_codec(start: bytes) -> str:
    """Return the codec of a file that starts with *start*, if its bytes leave little doubt; empty otherwise."""
    if certain := _find_marked(start) or _find_unmarked(start):
        return certain
    if _decode_start("utf-8", start) is not None:
        return "utf-8"
    return "cp949" if looks_like_cp949(start) else ""


def find_contradiction(codec: str, start: bytes) -> str:
    """Return why a file that starts with *start* cannot be in *codec*; empty if it may be."""
    marked = _find_marked(start)
    family = codec.removesuffix("-sig")
    if marked:
        fits = family.startswith(marked) or family == marked[: len("utf-16")]
        return "" if fits else f"its byte order mark is that of {marked[: len('utf-16')]}, not of {codec}"
    if family.startswith(("utf-16-", "utf-32-")):
        return ""
    unmarked = _find_unmarked(start)
    if family in ("utf-16", "utf-32"):
        if len(start) < MIN_START_BYTES:
            return ""
        return "has no byte order mark; " + (f"name the encoding {unmarked}" if unmarked else f"it is not {family}")
    if unmarked:
        return f"holds a NUL character, because it is not {codec}: name the encoding {unmarked}"
    if family.startswith("utf-") or not _HANGUL.search(_decode_start("utf-8", start) or ""):
        return ""
    return f"is utf-8, not {codec}: name no other encoding"


def explain_undecodable(encoding: str, line: bytes) -> str:
    """Return why a file cannot be read in *encoding*, in which *line* is not valid, and which encoding to name."""
    if find_codec(encoding) == "utf-8" and looks_like_cp949(line):
        return f"not {encoding} but cp949, which is also called windows-949: name it with --encoding cp949"
    return f"not {encoding}; name the file's encoding (Korean Excel writes cp949)"


def looks_like_cp949(data: bytes) -> bool:
    """Return whether *data*, which may end inside a character, is Korean in cp949.

    Other encodings that are misread as cp949 give few Hangul syllables: UTF-8's first bytes of Hangul are never those of cp949.
    """
    text = _decode_start("cp949", data)
    return text is not None and len(_HANGUL.findall(text)) * 10 >= len(_NOT_ASCII.findall(text)) * 9 > 0


def _decode_start(codec: str, start: bytes) -> str | None:
    """Decode bytes that may end inside a character; None if they are not in *codec*."""
    try:
        return codecs.getincrementaldecoder(codec)().decode(start)
    except UnicodeDecodeError:
        return None


def _find_marked(start: bytes) -> str:
    return next((name for mark, name in _MARKS if start.startswith(mark)), "")


def _find_unmarked(start: bytes) -> str:
    return next((name for pattern, name in _WITHOUT_MARK if pattern.match(start)), "")

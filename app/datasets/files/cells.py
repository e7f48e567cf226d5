"""The cells of a block of CSV, taken apart by a few calls for all of its rows.

Only what is written so that this is certain: every record a line of the header's width, every quoted cell quoted from its first character to its
last, without a quote or a line end inside. Anything else is left to the csv module.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat

_HIDDEN = "\0"
"""A comma inside a quoted cell, while cells are taken apart: whoever calls has seen that there is none."""
_AROUND = (",", "\n")
"""One of them stands before and behind each cell."""


def columns_at_once(text: str, width: int, longest: int) -> list[list[str]] | None:
    """Take the columns of some records apart; None where that is not certain.

    Args:
        text: whole records, each behind the other; free of NUL and CR.
        width: cells of each record; two at least.
        longest: characters of a record, its end included.
    """
    if not text.endswith("\n"):
        text += "\n"
    plain = _unquoted(text)
    if plain is None or not _ends_within(text, longest):
        return None
    cells = plain.replace("\n", "\n,").split(",")
    cells.pop()
    columns = [cells[place::width] for place in range(width)]
    last = "".join(columns[-1])
    if len(cells) != len(columns[-1]) * width or not last.count("\n") == len(columns[-1]) == plain.count("\n"):
        return None
    columns[-1] = last.split("\n")[:-1]
    return _uncovered(columns) if _HIDDEN in plain else columns


def _unquoted(text: str) -> str | None:
    """Take the quotes away, and hide the commas between them."""
    pieces = text.split('"')
    if len(pieces) == 1:
        return text
    if len(pieces) % 2 == 0:
        return None
    first, *between, last = pieces[::2]
    inside = '"'.join(pieces[1::2])
    sound = (
        (not first or first.endswith(_AROUND))
        and last.startswith(_AROUND)
        and "\n" not in inside
        and all(map(str.startswith, between, repeat(_AROUND)))
        and all(map(str.endswith, between, repeat(_AROUND)))
    )
    if not sound:
        return None
    pieces[1::2] = inside.replace(",", _HIDDEN).split('"')
    return "".join(pieces)


def _ends_within(text: str, longest: int) -> bool:
    """Whether no record is longer."""
    start = 0
    while start < len(text):
        start = text.rfind("\n", start, start + longest) + 1
        if not start:
            return False
    return True


def _uncovered(columns: Iterable[Sequence[str]]) -> list[list[str]]:
    """Put the hidden commas back."""
    shown: list[list[str]] = []
    for column in columns:
        together = "\n".join(column)
        shown.append(together.replace(_HIDDEN, ",").split("\n") if _HIDDEN in together else [*column])
    return shown

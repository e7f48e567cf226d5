"""The guard against merged strangers. A person is who an account_ref and a recipient_ref name; if the references were damaged before the export,
two people may have the same ones, and each would be told what of the other leaked.

Two rows of a person are linked if they share a name, an email or a phone in canonical form. A person is merged if complete rows, which have a name
and an identifier, are in more than one group of linked rows: the groups have contradictory names and disjoint identifiers. Other rows contradict
nothing.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from app.datasets.errors import ImportFailed
from app.importing.occurrences import Occurrences
from app.importing.row_batch import VALUE_SEPARATOR, CanonicalRow, to_rows

MAX_MERGED_RATIO = 0.0001
"""Share of the people that may be merged without an explicit `accept_merged`."""

_LINKING_KINDS = ("name", "email", "phone")


def is_merged(rows: Sequence[CanonicalRow]) -> bool:
    """Return whether *rows*, all rows of one person, contradict each other. Takes time proportional to their number."""
    complete = {index for index, row in enumerate(rows) if row.name and (row.email or row.phone)}
    if len({rows[index].name for index in complete}) < 2:
        return False
    values_of_rows = [[*_linking_values(row)] for row in rows]
    rows_with: dict[tuple[str, str], list[int]] = {}
    for index, values in enumerate(values_of_rows):
        for value in values:
            rows_with.setdefault(value, []).append(index)
    unreached, pending = {*range(len(rows))}, [min(complete)]
    while pending:
        for value in values_of_rows[pending.pop()]:
            linked = unreached.intersection(rows_with.pop(value, ()))
            unreached -= linked
            pending += linked
    return not unreached.isdisjoint(complete)


def find_merged_pairs(left: pa.RecordBatch, right: pa.RecordBatch) -> list[int]:
    """Return the first line of each merged person among people with two rows. Few have two names: only their rows are compared in Python."""
    has_two_names = reduce(
        pc.and_,
        (
            pc.not_equal(left["name"], right["name"]),
            pc.not_equal(left["name"], ""),
            pc.not_equal(right["name"], ""),
        ),
    )
    pairs = zip(*(to_rows(side.filter(has_two_names)) for side in (left, right)), strict=True)
    return [min(row.line for row in pair) for pair in pairs if is_merged(pair)]


def require_few_merged(merged: Occurrences, people: int, *, file: Path | str, accepted: int = 0) -> None:
    """Refuse a data set with more merged people than `MAX_MERGED_RATIO` and *accepted* allow.

    Raises:
        ImportFailed: it has more. The message has their number, and the first line of some.
    """
    if merged.count > people * MAX_MERGED_RATIO and merged.count > accepted:
        raise ImportFailed(
            f"{file}: {merged.place}: {merged.count:,} of {people:,} people have rows with contradictory names and no common email or phone: "
            "strangers may have the same account_ref and recipient_ref, and each would be told what of the other leaked; nothing was imported. "
            f"Correct the references; if the rows are right, use --accept-merged {merged.count}"
        )


def _linking_values(row: CanonicalRow) -> Iterator[tuple[str, str]]:
    for kind in _LINKING_KINDS:
        for value in filter(None, getattr(row, kind).split(VALUE_SEPARATOR)):
            yield kind, value

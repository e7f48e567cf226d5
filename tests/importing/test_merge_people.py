"""Merging the rows of one person: the vectorized merge of many people equals `merge_rows` for each, whatever the order and batches of the rows."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.datasets.errors import ImportFailed
from app.importing.merge_people import merge_by_person, merge_rows
from app.importing.row_batch import (
    CELL_SEPARATOR,
    VALUE_SEPARATOR,
    CanonicalRow,
    ExposureDetails,
    deserialize_batch,
    serialize_batch,
    to_batch,
    to_rows,
)

PERSON_REFS = [f"{account}{CELL_SEPARATOR}{recipient}" for account in "abcdef" for recipient in ("", "r")]
cells = st.lists(st.sampled_from(["", "a", "가", "b"]), unique=True, max_size=3).map(sorted).map(VALUE_SEPARATOR.join)
details = st.builds(
    ExposureDetails, st.integers(0, 7), st.integers(1, 9), st.integers(0, 2), st.sampled_from(["", "one"])
)
canonical_rows = st.builds(
    CanonicalRow,
    person_ref=st.sampled_from(PERSON_REFS),
    line=st.integers(1, 10**9),
    email=cells,
    phone=cells,
    name=cells,
    address=cells,
    details=details.map(str),
)


@given(st.lists(canonical_rows, max_size=24), st.integers(1, 5))
def test_merge_by_person_equals_merge_rows_of_each_person(rows: list[CanonicalRow], batch_size: int) -> None:
    rows_by_person: dict[str, list[CanonicalRow]] = {}
    for row in rows:
        rows_by_person.setdefault(row.person_ref, []).append(row)
    starts = range(0, len(rows), batch_size)
    chunks = [serialize_batch(to_batch(rows[start : start + batch_size])) for start in starts]
    people, merged_people = merge_by_person([b"", *chunks])
    merged = to_rows(people)
    assert sorted(merged) == sorted(map(merge_rows, rows_by_person.values()))
    people_in_another_order, merged_in_another_order = merge_by_person(reversed(chunks))
    assert (sorted(to_rows(people_in_another_order)), merged_in_another_order) == (sorted(merged), merged_people)


@given(st.lists(canonical_rows, max_size=5))
def test_serialized_batch_is_read_back(rows: list[CanonicalRow]) -> None:
    assert to_rows(deserialize_batch(serialize_batch(to_batch(rows)))) == rows


def test_person_with_too_many_rows_is_reported_before_the_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.importing.merge_people.MAX_ROWS_PER_PERSON", 10)
    consumed: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(1_000):
            consumed.append(number)
            yield serialize_batch(to_batch([CanonicalRow("a\0", 7 + number, "", "", "", "", "1 1 1 ")]))

    with pytest.raises(ImportFailed, match=r"^line 7, column account_ref: one person has over 10 rows"):
        merge_by_person(chunks())
    assert len(consumed) < 30


WORKER_MODULES = ", ".join(f"app.importing.stages.{module}" for module in ("read", "seal", "sort", "outer_seal"))
INSPECTION_WORKER_MODULES = ", ".join(
    f"app.importing.inspection.{module}_counts" for module in ("block", "people", "sharer")
)


@pytest.mark.parametrize(
    ("process_modules", "unneeded_modules"),
    [
        ("app.bootstrap", {"pyarrow"}),  # would add 50 MiB to a server
        ("app.__main__", {"app.bootstrap"}),  # an import's workers load the module that started the command
        ("app.importing.pipeline", {"alembic"}),
        (WORKER_MODULES, {"sqlalchemy", "pydantic"}),
        (INSPECTION_WORKER_MODULES, {"sqlalchemy"}),
    ],
)
def test_process_does_not_load_modules_that_it_does_not_need(process_modules: str, unneeded_modules: set[str]) -> None:
    check = (
        f"import sys, {process_modules}; loaded = {unneeded_modules!r} & sys.modules.keys(); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", check], check=True)

"""Uniting the rows of one person: many people at once are what they are one by one, in whatever order and parts their rows come."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.datasets.errors import ImportFailed
from app.datasets.importing.merge_people import merge_by_person, merge_rows
from app.datasets.importing.row_batch import BETWEEN_CELLS, BETWEEN_VALUES, Claim, CanonicalRow, to_batch, to_rows, pack, unpack

values = st.lists(st.sampled_from(["", "a", "가", "b"]), unique=True, max_size=3).map(sorted).map(BETWEEN_VALUES.join)
claims = st.builds(Claim, st.integers(0, 7), st.integers(1, 9), st.integers(0, 2), st.sampled_from(["", "one"]))
rows = st.builds(
    CanonicalRow,
    person_ref=st.sampled_from([f"{account}{BETWEEN_CELLS}{recipient}" for account in "abcdef" for recipient in ("", "r")]),
    line=st.integers(1, 10**9),
    email=values,
    phone=values,
    name=values,
    address=values,
    claims=claims.map(str),
)


@given(st.lists(rows, max_size=24), st.integers(1, 5))
def test_everybody_is_united_as_one_by_one(found: list[CanonicalRow], size: int) -> None:
    people: dict[str, list[CanonicalRow]] = {}
    for row in found:
        people.setdefault(row.person_ref, []).append(row)
    parts = [pack(to_batch(found[start : start + size])) for start in range(0, len(found), size)]
    together = to_rows(merge_by_person([b"", *parts]))
    assert sorted(together) == sorted(map(merge_rows, people.values()))
    assert sorted(together) == sorted(to_rows(merge_by_person(reversed(parts))))


@given(st.lists(rows, max_size=5))
def test_what_is_put_aside_is_read_back(found: list[CanonicalRow]) -> None:
    assert to_rows(unpack(pack(to_batch(found)))) == found


def test_too_many_rows_of_one_person_are_named_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.datasets.importing.merge_people.MAX_ROWS_PER_PERSON", 10)
    taken: list[int] = []

    def parts() -> Iterator[bytes]:
        for number in range(1_000):
            taken.append(number)
            yield pack(to_batch([CanonicalRow("a\0", 7 + number, "", "", "", "", "1 1 1 ")]))

    with pytest.raises(ImportFailed, match=r"^line 7, column account_ref: one person has over 10 rows"):
        merge_by_person(parts())
    assert len(taken) < 30


@pytest.mark.parametrize(
    ("process", "module"),
    [
        ("app.main", "pyarrow"),  # a server, of which 50 MiB
        ("app.__main__", "app.main"),  # a worker of an import starts where its command did
        ("app.datasets.importing.pipeline", "alembic"),
    ],
)
def test_a_process_does_without_what_it_has_no_use_for(process: str, module: str) -> None:
    seen = f"import sys, {process}; sys.exit({module!r} in sys.modules)"
    subprocess.run([sys.executable, "-c", seen], check=True)

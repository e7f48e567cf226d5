"""The guard against merged strangers: which people it counts, and which files it refuses."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.datasets.errors import ImportFailed
from app.importing.merge_guard import MAX_MERGED_RATIO, is_merged, require_few_merged
from app.importing.merge_people import merge_by_person
from app.importing.occurrences import MAX_FIRST_LINES, Occurrences
from app.importing.row_batch import VALUE_SEPARATOR, CanonicalRow, serialize_batch, to_batch
from app.importing.row_validation import validate_rows
from app.importing.seal_result import SealResult
from app.incidents.items import ITEM_KINDS
from app.source_files import open_source_file, write_source_file
from app.synthetic import synthesize
from tests.datasets.operator_actions import check_integrity, source_file
from tests.datasets.store_reader import find_person
from tests.importing.helpers import MINA_EMAIL, MINA_PHONE, assert_nothing_left
from tests.support.deployment import Deployment, RecordingListener, make_row
from tests.support.simulated_kill import killed_at

JUN_EMAIL = "jun@example.com"


def make_canonical(person: str, line: int, email: str = "", phone: str = "", name: str = "") -> CanonicalRow:
    return CanonicalRow(f"{person}\0", line, email, phone, name, "", "1 1 1 ")


def find_merged(rows: Sequence[CanonicalRow]) -> Occurrences:
    return merge_by_person([serialize_batch(to_batch(rows))])[1]


# --- the definition --------------------------------------------------------------------------------------------------


def is_merged_by_definition(rows: Sequence[CanonicalRow]) -> bool:
    """Return whether complete rows are in more than one group, by joining the groups of each two linked rows."""
    groups = [{row} for row in rows]
    for one, other in combinations(rows, 2):
        if are_linked(one, other):
            first, second = (next(group for group in groups if row in group) for row in (one, other))
            if first is not second:
                groups.remove(second)
                first |= second
    return sum(any(row.name and (row.email or row.phone) for row in group) for group in groups) > 1


def are_linked(one: CanonicalRow, other: CanonicalRow) -> bool:
    shared = [
        {*cell.split("\n")} & {*match.split("\n")} - {""} for cell, match in zip(one[2:5], other[2:5], strict=True)
    ]
    return any(shared)


def cells_of(values: Sequence[str]) -> st.SearchStrategy[str]:
    cells = st.lists(st.sampled_from(values), unique=True, max_size=2)
    return st.one_of(st.sampled_from(values), cells.map(sorted).map(VALUE_SEPARATOR.join))


@st.composite
def rows_of_people(draw: st.DrawFn) -> list[CanonicalRow]:
    """Draw up to six rows for each of up to four people, in any order."""
    people = draw(st.lists(st.integers(0, 3), max_size=16))
    lines = draw(st.permutations(range(2, len(people) + 2)))
    names, emails, phones = (cells_of([f"{kind}{index}" for index in range(5)]) for kind in "nep")
    return [
        make_canonical(str(person), line, draw(emails), draw(phones), draw(names))
        for person, line in zip(people, lines, strict=True)
    ]


@given(rows_of_people())
@example([make_canonical("a", 3, "e1", name="n1"), make_canonical("a", 2, "e2", name="n2")])
@example([make_canonical("a", 3, "n2", name="n1"), make_canonical("a", 2, "e2", name="n2")])  # a value of another kind
def test_counted_people_are_those_of_the_definition(rows: list[CanonicalRow]) -> None:
    rows_by_person: dict[str, list[CanonicalRow]] = {}
    for row in rows:
        rows_by_person.setdefault(row.person_ref, []).append(row)
    expected = [of_person for of_person in rows_by_person.values() if is_merged_by_definition(of_person)]
    assert find_merged(rows) == Occurrences.at([min(row.line for row in of_person) for of_person in expected])


MERGED: dict[str, list[tuple[str, str, str]]] = {
    "two emails": [("e1", "", "n1"), ("e2", "", "n2")],
    "an email and a phone": [("e1", "", "n1"), ("", "p2", "n2")],
    "several values": [("e1\ne2", "p1", "n1\nn2"), ("e3", "p2", "n3\nn4")],
    "three strangers": [("e1", "", "n1"), ("e2", "", "n2"), ("e3", "", "n3")],
    "three rows, one of them without a name": [("e1", "", "n1"), ("e2", "", "n2"), ("e3", "", "")],
    "two people with two rows each": [("e1", "", "n1"), ("e2", "", "n2"), ("e1", "p1", "n3"), ("", "p2", "n2")],
}
ONE_PERSON: dict[str, list[tuple[str, str, str]]] = {
    "one row": [("e1\ne2", "", "n1\nn2")],
    "the same name": [("e1", "", "n1"), ("e2", "p2", "n1")],
    "one of several names": [("e1", "", "n1\nn2"), ("e2", "", "n2\nn3")],
    "the same email": [("e1\ne2", "", "n1"), ("e2", "", "n2")],
    "the same phone": [("e1", "p1", "n1"), ("e2", "p1\np2", "n2")],
    "no name": [("e1", "", "n1"), ("e2", "", "")],
    "no identifier": [("e1", "", "n1"), ("", "", "n2")],
    "linked by a third row": [("e1", "", "n1"), ("", "p2", "n2"), ("e1", "p2", "n3")],
    "a chain": [("e1", "", "n1"), ("e3", "", "n3"), ("e1", "", "n2"), ("e4", "", "n2"), ("e4", "", "n3")],
    "linked by a third row without a name": [("e1", "", "n1"), ("", "p2", "n2"), ("e1", "p2", "")],
    "only one of three rows is complete": [("e1", "", "n1"), ("e2", "", ""), ("", "", "n2")],
}


@pytest.mark.parametrize("name", [*MERGED, *ONE_PERSON])
def test_a_case(name: str) -> None:
    rows = [make_canonical("a", line, *cells) for line, cells in enumerate((MERGED | ONE_PERSON)[name], 2)]
    assert is_merged_by_definition(rows) is (name in MERGED)
    assert is_merged(rows) is (name in MERGED)
    assert find_merged(rows) == (Occurrences(1, (2,)) if name in MERGED else Occurrences())
    assert is_merged(rows[::-1]) is (name in MERGED)


def test_many_rows_of_one_person_take_linear_time() -> None:
    """The quadratic algorithm of this file would need minutes for this many rows."""
    strangers = [make_canonical("a", line, f"e{line}", name=f"n{line}") for line in range(30_000)]
    chain = [make_canonical("a", line, f"e{line}\ne{line + 1}", name=f"n{line}") for line in range(30_000)]
    assert is_merged(strangers)
    assert not is_merged(chain)


def test_the_lines_of_the_first_ten_people_are_kept_in_every_order() -> None:
    lines = range(40, 2, -2)
    results = [SealResult(merged_people=Occurrences.at([line, line + 1])) for line in lines]
    total, reversed_total = SealResult(), SealResult()
    for result in results:
        total.add(SealResult.from_bytes(result.to_bytes()))
    for result in reversed(results):
        reversed_total.add(result)
    assert total.merged_people == Occurrences(2 * len(lines), tuple(range(4, 4 + MAX_FIRST_LINES)))
    assert reversed_total == total


# --- the refusal -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("merged", "people", "accepted", "is_refused"),
    [
        (0, 1, 0, False),
        (1, 1, 0, True),
        (1, 9_999, 0, True),
        (1, 10_000, 0, False),
        (2, 10_000, 0, True),
        (2, 10_000, 1, True),
        (2, 10_000, 2, False),
        (3_367, 33_673_817, 0, False),
        (3_368, 33_673_817, 0, True),
    ],
)
def test_the_limit(merged: int, people: int, accepted: int, is_refused: bool) -> None:
    occurrences = Occurrences.at(range(2, merged + 2))
    assert MAX_MERGED_RATIO == 0.0001
    if is_refused:
        with pytest.raises(ImportFailed, match=rf"^people\.csv: lines? 2.*--accept-merged {merged}$"):
            require_few_merged(occurrences, people, file="people.csv", accepted=accepted)
    else:
        require_few_merged(occurrences, people, file="people.csv", accepted=accepted)


STRANGERS = [
    make_row("a1", email=MINA_EMAIL, name="김민아", items="name"),
    make_row("a2", email="sora@example.com", name="이소라", items="name"),
    make_row("a1", email=JUN_EMAIL, name="박준", items="address"),
    make_row("a3", recipient_ref="r1", phone=MINA_PHONE, name="김민아", items="name"),
    make_row("a3", recipient_ref="r1", phone="010-2000-0002", name="박준", items="name"),
    make_row("a3", recipient_ref="r1", phone="010-2000-0003", name="이소라", items="name"),
    make_row("a4", email="kim@example.com", name="김 철수", items="name"),
    make_row("a4", phone="010-2000-0004", name="김철수", items="name"),
]


def test_a_file_that_merges_strangers_is_refused_and_leaves_nothing(deployment: Deployment) -> None:
    for accepted in (0, 1):
        with pytest.raises(
            ImportFailed, match=r"people\.csv: lines 2, 5: 2 of 4 people .*--accept-merged 2$"
        ) as caught:
            deployment.import_rows(STRANGERS, accept_merged=accepted)
        assert not [
            value for row in STRANGERS for value in row.values() if len(value) > 4 and value in str(caught.value)
        ]
        assert_nothing_left(deployment)


def test_accepted_merged_people_are_imported_and_reported(deployment: Deployment) -> None:
    staged = deployment.import_rows(STRANGERS, accept_merged=2)
    assert (staged.people, staged.merged_people) == (4, Occurrences(2, (2, 5)))
    assert {**find_person(deployment, staged.id, MINA_EMAIL).items} == {"name": 1, "address": 1}
    assert check_integrity(deployment, staged.id, source_file(deployment)).problems == ()


def test_canaries_modelled_on_merged_people_are_not_merged(deployment: Deployment) -> None:
    staged = deployment.import_rows(STRANGERS, accept_merged=2, canaries=3)
    assert (staged.canaries, staged.people, staged.merged_people.count) == (3, 4, 2)


def test_references_that_a_spreadsheet_cut_are_refused(deployment: Deployment) -> None:
    """Fifteen digits are kept. What such a column holds looks undamaged, so only the rows can show it."""
    rows = [
        make_row("1234567890123450", email=f"p{number}@example.com", name="가나다라마"[number], items="name")
        for number in range(5)
    ]
    with pytest.raises(ImportFailed, match="line 2: 1 of 1 people"):
        deployment.import_rows(rows)


def test_another_limit_resumes_an_interrupted_import(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.importing.pipeline.ROWS_PER_PARTITION", 1)

    def interrupt(stage: str, done: int) -> None:
        if (stage, done) == ("seal", 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deployment.import_rows(STRANGERS, listener=RecordingListener(interrupt))
    listener = RecordingListener()
    staged = deployment.import_rows(STRANGERS, accept_merged=2, listener=listener)
    assert [event[0] for event in listener.events] == ["resumed"]
    assert staged.merged_people == Occurrences(2, (2, 5))


def test_the_count_is_the_same_after_an_import_was_killed_behind_its_commit(deployment: Deployment) -> None:
    with killed_at("app.importing.pipeline.Workspace.clear"):
        deployment.import_rows(STRANGERS, accept_merged=2)
    assert deployment.import_rows(STRANGERS, accept_merged=2).merged_people == Occurrences(2, (2, 5))


def test_synthetic_people_are_not_merged(tmp_path: Path) -> None:
    row_count = write_source_file(tmp_path / "people.csv", synthesize(10_000, seed=7))
    with open_source_file(tmp_path / "people.csv") as file:
        batches = [validate_rows(file.format.parse(block), frozenset[str](ITEM_KINDS))[0] for block in file.blocks]
    people, merged_people = merge_by_person(map(serialize_batch, batches))
    assert sum(batch.num_rows for batch in batches) == row_count > people.num_rows + 3_000
    assert merged_people == Occurrences()

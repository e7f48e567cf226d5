"""An inspection counts what an import of the same file would store and refuse."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.datasets import service as datasets
from app.datasets.errors import ImportFailed
from app.importing.occurrences import Occurrences
from app.source_files import InvalidFile, write_source_file
from app.synthetic import synthesize
from tests.importing.helpers import MINA_EMAIL, MINA_PHONE
from tests.importing.inspections import inspect, inspect_rows, write_csv
from tests.importing.test_rejects import OVERSIZED_PEOPLE, SECRET
from tests.support.deployment import INCIDENT_SLUG, Deployment, make_row


@pytest.fixture
def sqlite_deployment(tmp_path: Path, sqlite_url: str, keyholder_socket: Path) -> Iterator[Deployment]:
    """A deployment on one engine, for tests of what does not depend on the engine."""
    with closing(Deployment(tmp_path, sqlite_url, keyholder_socket)) as deployment:
        yield deployment


def assert_equals_import(deployment: Deployment, path: Path, **options: Any) -> None:
    """Compare the inspection of a file with its import."""
    report = inspect(
        path, declared_items=frozenset(deployment.incident.kinds), has_hints=deployment.incident.hints, **options
    )
    refused = ""
    try:
        deployment.import_file(path)
    except (ImportFailed, InvalidFile) as error:
        refused = str(error)
    assert report.is_importable == (not refused), refused
    try:
        staged = deployment.import_file(path, max_rejects=None, accept_merged=1_000)
    except (ImportFailed, InvalidFile):
        assert report.causes or not report.blocks.rows
        return
    # None of these files has so many people that an import accepts one with contradictory rows.
    assert len(report.causes) == bool(staged.merged_people.count)
    assert all(staged.rejects or cause in refused for cause in report.causes)
    assert (report.people.merged_people, report.blocks.emails_left_out) == (
        staged.merged_people,
        staged.emails_left_out,
    )
    assert (report.people.people, report.people.unreachable, report.rejected) == (
        staged.people,
        staged.unreachable,
        len(staged.rejects),
    )
    rejects: dict[tuple[str, str], list[int]] = {}
    for reject in staged.rejects:
        rejects.setdefault((reject.column, reject.reason), []).append(reject.line)
    found = {(reject.column, reject.reason): reject.found for reject in report.rejects}
    assert found == {group: Occurrences.at(lines) for group, lines in rejects.items()}
    assert sum(places.count for places in report.sharers.ambiguous.values()) == staged.ambiguous_identifiers
    assert report.people.phone_only == staged.phone_only
    assert report.blocks.doubtful_names == staged.doubtful_names
    deployment.publish(staged.id)
    with deployment.database.read() as db:
        published = datasets.load_published_counts(db, INCIDENT_SLUG, keys=deployment.keys)
    assert published is not None
    assert (published.id, published.people, published.counts) == (staged.id, report.people.people, report.cohorts)


STRANGERS = [
    make_row("a1", email=MINA_EMAIL, name="김민아", items="name"),
    make_row("a1", email="jun@example.com", name="박준", items="name"),
    make_row("a2", phone=MINA_PHONE, name="이소라", items="name"),
]
cells = {
    "recipient_ref": ["", "r1", "NULL"],
    "email": [
        "",
        "",
        MINA_EMAIL,
        "MINA@example.com|jun@example.com",
        "shared@example.com",
        "no-email",
        "no-email|mina@example.com",
    ],
    "phone": ["", "", MINA_PHONE, "+82 10 2000 0001", "+1 650-253-0000", "1234"],
    "name": ["", "김민아", "김 민아|박준", "Null", "#N/A", "김*아"],
    "address": ["", "서울 강남구 테헤란로 12", "seoul"],
    "items": ["name", "name|order", "door_code", "", "secret"],
    "cohort": ["", "list", "edit", "NULL"],
    "confidence": ["", "possible", "withdrawn", "maybe"],
}
rows = st.fixed_dictionaries(
    {name: st.sampled_from(choices) for name, choices in cells.items()}
    | {
        "account_ref": st.sampled_from(["a1", "a2", "a3", "a4", "1.2E+11", ""]),
        "count": st.sampled_from(["", "2", "0"]),
    }
)
valid_rows = st.fixed_dictionaries(
    {
        name: st.sampled_from(choices[:4] if name in ("email", "phone") else choices[:1])
        for name, choices in cells.items()
    }
    | {"account_ref": st.sampled_from([f"a{number}" for number in range(30)])}
)


@settings(
    max_examples=settings().max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(st.one_of(st.lists(rows, max_size=12), st.lists(valid_rows, min_size=1, max_size=40)))
@example(STRANGERS)
@example([make_row("a1", email="no-email", phone=MINA_PHONE, items="name"), *STRANGERS])
@example([make_row("a1", email="no-email|'|mina@example.com", phone=MINA_PHONE, items="name")] * 12)
@example([*STRANGERS, make_row("a3", email="no-email", items="name")])
def test_inspection_equals_import_of_any_rows(sqlite_deployment: Deployment, rows: list[dict[str, str]]) -> None:
    assert_equals_import(sqlite_deployment, write_csv(sqlite_deployment.folder / "people.csv", rows))


@pytest.mark.parametrize("format_", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_inspection_of_many_blocks_and_partitions_equals_the_import(
    format_: str, workers: int, sqlite_deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.source_files.blocks.BLOCK_BYTES", 20_000)
    monkeypatch.setattr("app.importing.pipeline.ROWS_PER_PARTITION", 100)
    path = sqlite_deployment.folder / f"people.{format_}"
    write_source_file(path, synthesize(600, seed=5))
    assert_equals_import(sqlite_deployment, path, workers=workers)


@pytest.mark.parametrize("reason", OVERSIZED_PEOPLE)
def test_inspection_rejects_people_that_do_not_fit_into_a_record_as_the_import_does(
    reason: str, deployment: Deployment
) -> None:
    rows = [make_row("a1", email=MINA_EMAIL, items="name"), *OVERSIZED_PEOPLE[reason]]
    assert_equals_import(deployment, write_csv(deployment.folder / "people.csv", rows))
    report = inspect_rows(deployment.folder, rows)
    assert [(reject.column, reject.reason, reject.found) for reject in report.rejects] == [
        ("account_ref", reason, Occurrences(1, (3,)))
    ]
    assert SECRET not in repr(report)


@pytest.mark.parametrize(
    ("columns", "fits"), [({"name": 7_900}, True), ({"name": 8_400}, False), ({"name": 4_000, "address": 4_300}, False)]
)
def test_largest_record_that_fits_is_that_of_the_import(
    columns: dict[str, int], fits: bool, sqlite_deployment: Deployment
) -> None:
    rows = [make_row("a2", phone=MINA_PHONE, items="name")]
    for kind, number in columns.items():
        suffix = "가" if kind == "name" else "로 1"
        values = [f"{chr(0xAC00 + index)}{suffix}" for index in range(number)]
        cells = ["|".join(values[start : start + 2_000]) for start in range(0, number, 2_000)]
        rows += [make_row("a1", **{kind: cell}, email=MINA_EMAIL, items="name") for cell in cells]
    path = write_csv(sqlite_deployment.folder / "people.csv", rows)
    assert (inspect(path, has_hints=True).rejected == 0) == fits
    assert_equals_import(sqlite_deployment, path)

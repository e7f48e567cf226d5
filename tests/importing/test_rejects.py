"""Rejected rows and files: each is reported with its position and the reason, never with its value, and nothing is imported."""

from pathlib import Path
from typing import Any

import pytest

from app.datasets.errors import ImportFailed
from app.incidents.errors import UnknownIncident
from app.source_files import InvalidFile
from tests.datasets.store_reader import find_person
from tests.importing.helpers import MINA_EMAIL, SENTINEL_ROWS, assert_nothing_left, import_ndjson_rows
from tests.support.deployment import Deployment, RecordingListener, make_row

SECRET = "secretvalue"
"""Part of a value; must not appear in any message."""

INVALID_ROWS: dict[str, tuple[dict[str, str], str, str]] = {
    "invalid email": (make_row("a2", email=f"{SECRET}@", items="name"), "email", ""),
    "invalid phone": (make_row("a2", phone=f"010-{SECRET}", items="name"), "phone", "not-a-phone"),
    "count below one": (make_row("a2", email=f"{SECRET}@example.com", items="name", count=0), "count", "whole number"),
    "invalid confidence": (make_row("a2", email=MINA_EMAIL, confidence=SECRET), "confidence", "must be confirmed"),
    "no account": (make_row("", email=f"{SECRET}@example.com", items="name"), "account_ref", "must not be empty"),
    "damaged reference": (
        make_row("1.23457E+11", email=f"{SECRET}@example.com", items="name"),
        "account_ref",
        "damaged",
    ),
    "marker as recipient": (
        make_row("a2", recipient_ref="NULL", email=f"{SECRET}@example.com", items="name"),
        "recipient_ref",
        "stands for nothing",
    ),
    "unknown item": (make_row("a2", email=MINA_EMAIL, items=f"name|{SECRET}"), "items", "does not declare"),
}
"""A row, the column of its error, and a part of the reason."""


OVERSIZED_PEOPLE: dict[str, list[dict[str, str]]] = {
    "one person has over 1,000 identifiers": [
        make_row("a2", email="|".join(f"{SECRET}{part}x{number}@e.com" for number in range(334)), items="name")
        for part in range(3)
    ],
    "one person has more values than a record can hold": [
        make_row("a2", email=f"{SECRET}@e.com", name="|".join(f"{chr(0xAC00 + index)}{chr(0xAC00 + part)}" for index in range(3_000)), items="name")
        for part in range(3)
    ],
}  # fmt: skip
"""Rows of one person. Each row is valid alone."""


@pytest.mark.parametrize("name", INVALID_ROWS)
def test_invalid_row_is_reported_by_position_and_ends_the_import(name: str, deployment: Deployment) -> None:
    invalid_row, column, reason = INVALID_ROWS[name]
    with pytest.raises(ImportFailed) as caught:
        deployment.import_rows([make_row("a1", email=MINA_EMAIL, items="name"), invalid_row])
    message = str(caught.value)
    assert f"line 3, column {column}" in message
    assert reason in message
    assert "nothing was imported" in message
    assert SECRET not in message
    assert_nothing_left(deployment)


@pytest.mark.parametrize("reason", OVERSIZED_PEOPLE)
def test_person_with_too_many_values_is_rejected(reason: str, deployment: Deployment) -> None:
    rows = [make_row("a1", email=MINA_EMAIL, items="name"), *OVERSIZED_PEOPLE[reason]]
    with pytest.raises(ImportFailed, match=f"line 3, column account_ref: {reason}") as caught:
        deployment.import_rows(rows)
    assert SECRET not in str(caught.value)
    assert_nothing_left(deployment)
    staged = deployment.import_rows(rows, max_rejects=1)
    assert (staged.people, staged.rows) == (1, 1 + SENTINEL_ROWS)


def test_item_that_the_incident_does_not_declare_is_rejected(deployment: Deployment) -> None:
    names_only = deployment.incident.model_copy(
        update={"slug": "names-only", "items": deployment.incident.items[:1], "actions": []}
    )
    deployment.create_incident(names_only)
    deployment.import_rows([make_row("a1", email=MINA_EMAIL, items="name")], incident="names-only")
    with pytest.raises(ImportFailed, match="line 2, column items: an item that the incident does not declare"):
        deployment.import_rows([make_row("a1", email=MINA_EMAIL, items="name|order")], incident="names-only")


def test_allowed_rejects_are_skipped_and_the_rest_is_imported(deployment: Deployment) -> None:
    rows = [
        make_row("a1", email=MINA_EMAIL, items="name"),
        make_row("a1", phone="12", items="order"),
        make_row("a2", email="nobody", items="name"),
        make_row("a3", email="sora@example.com", items="name"),
    ]
    with pytest.raises(ImportFailed, match=r"line 3, column phone: .*\(and 1 more\)"):
        deployment.import_rows(rows, max_rejects=1)
    assert_nothing_left(deployment)
    staged = deployment.import_rows(rows, max_rejects=2)
    assert [(reject.line, reject.column) for reject in staged.rejects] == [(3, "phone"), (4, "email")]
    assert (staged.people, staged.unreachable) == (2, 0)
    record = find_person(deployment, staged.id, MINA_EMAIL)
    assert {**record.items} == {"name": 1}  # without the rejected row
    assert len(deployment.import_rows(rows, max_rejects=None).rejects) == 2


def test_row_with_too_many_cells_is_reported_by_line(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    file.write_text(f"account_ref,email,items\na1,{MINA_EMAIL},name\na2,{SECRET},name,more\n")
    with pytest.raises(ImportFailed) as caught:
        deployment.import_file(file)
    assert "line 3: 4 cells under a header of 3" in str(caught.value)
    assert_nothing_left(deployment)


def test_listener_receives_the_rejects_before_the_import_fails(deployment: Deployment) -> None:
    rejects: list[Any] = []
    with pytest.raises(ImportFailed):
        import_ndjson_rows(
            deployment,
            [make_row("a1", phone="12", items="name")],
            listener=RecordingListener(on_rejects=rejects.extend),
        )
    positions = [(reject.line, reject.column, reject.reason) for reject in rejects]
    assert positions == [(1, "phone", "not-a-subscriber-number")]


@pytest.mark.parametrize("content", ["", "account_ref,email,items\n", "\n\n"])
def test_empty_file_is_refused(content: str, deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.write_text(content)
    with pytest.raises(InvalidFile):
        deployment.import_file(file)
    assert_nothing_left(deployment)


def test_truncated_file_is_refused_and_leaves_nothing(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f'account_ref,email,items\na1,{MINA_EMAIL},name\na2,"never closed,name\n')
    with pytest.raises(InvalidFile, match=r"people\.csv, line 3"):
        deployment.import_file(file)
    assert_nothing_left(deployment)


def test_unknown_incident_is_refused(deployment: Deployment) -> None:
    with pytest.raises(UnknownIncident):
        deployment.import_rows([make_row("a1", email=MINA_EMAIL, items="name")], incident="no-such")
    assert_nothing_left(deployment)


def test_more_than_256_cohorts_are_refused(deployment: Deployment) -> None:
    rows = [make_row("a1", email=MINA_EMAIL, items="name", cohort=f"cohort-{number}") for number in range(257)]
    with pytest.raises(ImportFailed, match="column cohort: more than 256"):
        deployment.import_rows(rows)
    assert_nothing_left(deployment)
    staged = deployment.import_rows(rows[:256])
    assert len(find_person(deployment, staged.id, MINA_EMAIL).cohorts) == 256

"""No input becomes an answer without content: a person who is not withdrawn has items, or the import rejects the row."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.crypto.row_sealing import DecryptionFailed
from app.datasets.errors import ImportFailed
from app.datasets.record import CONFIDENCES, Record, decode, encode
from app.importing.source import ROW_RULES
from app.source_files import InvalidFile
from tests.datasets.store_reader import find_person, look_up
from tests.support.deployment import Deployment, RecordingListener, make_row

MINA, JUN = "mina@example.com", "jun@example.com"
REASON = "must not be empty unless the confidence is withdrawn"


def write_csv(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "people.csv"
    cells = [",".join("" if cell is None else str(cell) for cell in row.values()) for row in rows]
    path.write_text("\n".join([",".join(rows[0]), *cells, ""]), encoding="utf-8")
    return path


def write_ndjson(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "people.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_parquet(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "people.parquet"
    pq.write_table(pa.table({name: pa.array([row[name] for row in rows]) for name in rows[0]}), path)
    return path


Writer = Callable[[Path, list[dict[str, Any]]], Path]
WITHOUT_ITEMS: list[tuple[Writer, Any]] = [
    *((write_csv, cell) for cell in ("", " ", "|", " | ", "| |", '" "', '"\n"')),
    *((write_ndjson, cell) for cell in (None, "", " ", [], [""], [" ", None], [None])),
    *((write_parquet, cell) for cell in (None, "", " ", [], [""], [None])),
]


@pytest.mark.parametrize(("write_file", "items"), WITHOUT_ITEMS)
@pytest.mark.parametrize("confidence", ["", "confirmed", "possible"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # rows are rejected before the database is involved
def test_a_row_without_items_is_rejected(
    write_file: Writer, items: Any, confidence: str, deployment: Deployment, tmp_path: Path
) -> None:
    full = ["name"] if isinstance(items, list) else "name"
    people = [
        {"account_ref": "a1", "email": MINA, "items": full, "confidence": ""},
        {"account_ref": "a2", "email": JUN, "items": items, "confidence": confidence},
    ]
    file = write_file(tmp_path, people)
    line = 3 if write_file is write_csv else 2
    with pytest.raises(ImportFailed, match=f"line {line}, column items: {REASON}; nothing was imported") as caught:
        deployment.import_file(file)
    assert JUN not in str(caught.value)
    staged = deployment.import_file(file, max_rejects=None)
    assert [(reject.line, reject.column, reject.reason) for reject in staged.rejects] == [(line, "items", REASON)]
    assert staged.people == 1
    assert look_up(deployment, staged.id, JUN).records == ()


@pytest.mark.parametrize(("write_file", "items"), WITHOUT_ITEMS)
def test_a_withdrawn_row_needs_no_items(write_file: Writer, items: Any, deployment: Deployment, tmp_path: Path) -> None:
    file = write_file(tmp_path, [{"account_ref": "a1", "email": MINA, "items": items, "confidence": "withdrawn"}])
    staged = deployment.import_file(file)
    deployment.publish(staged.id)
    (exposure,) = deployment.get_exposures(MINA)["exposures"]
    assert (exposure["confidence"], exposure["items"]) == ("withdrawn", [])


def test_a_withdrawn_row_may_have_items(deployment: Deployment) -> None:
    staged = deployment.import_rows([make_row("a1", email=MINA, items="name", confidence="withdrawn")])
    assert dict(find_person(deployment, staged.id, MINA).items) == {"name": 1}


@pytest.mark.parametrize("write_file", [write_csv, write_ndjson, write_parquet])
def test_a_file_whose_every_row_is_without_items_is_refused_even_where_rejects_are_allowed(
    write_file: Writer, deployment: Deployment, tmp_path: Path
) -> None:
    rejected: list[int] = []
    file = write_file(tmp_path, [{"account_ref": f"a{n}", "email": f"p{n}@e.com", "items": None} for n in range(3)])
    listener = RecordingListener(lambda *_: None, lambda rejects: rejected.extend(reject.line for reject in rejects))
    with pytest.raises(ImportFailed, match=rf"column items: {REASON} \(and 2 more\); nothing was imported"):
        deployment.import_file(file, max_rejects=None, listener=listener)
    assert len(rejected) == 3  # they were reported all the same
    assert deployment.execute_sql("SELECT id FROM data_sets") == []
    assert deployment.keys.list_store_key_ids() == []


def test_ndjson_without_the_key_in_any_row_names_the_column(deployment: Deployment, tmp_path: Path) -> None:
    file = write_ndjson(tmp_path, [{"account_ref": f"a{n}", "email": f"p{n}@example.com"} for n in range(3)])
    with pytest.raises(ImportFailed, match=r"people\.ndjson: line 1, column items: "):
        deployment.import_file(file, max_rejects=None)
    assert deployment.execute_sql("SELECT id FROM data_sets") == []


@pytest.mark.parametrize("write_file", [write_csv, write_parquet])
@pytest.mark.parametrize("missing", ["account_ref", "items", "email"])
def test_a_file_without_a_required_column_is_refused(
    write_file: Writer, missing: str, deployment: Deployment, tmp_path: Path
) -> None:
    columns = {"account_ref": "a1", "email": MINA, "items": "name", "confidence": "withdrawn"}
    del columns[missing]
    with pytest.raises(InvalidFile, match=rf"column {missing}.*: missing from the header"):
        deployment.import_file(write_file(tmp_path, [columns]), max_rejects=None)
    assert deployment.execute_sql("SELECT id FROM data_sets") == []


def test_a_person_whose_every_row_was_rejected_is_not_in_the_data_set(deployment: Deployment) -> None:
    people = [
        make_row("a1", email=MINA, phone="010-2000-0001"),
        make_row("a1", email=MINA),
        make_row("a2", email=JUN, items="name"),
    ]
    staged = deployment.import_rows(people, max_rejects=None)
    assert (staged.people, len(staged.rejects)) == (1, 2)
    deployment.publish(staged.id)
    answer = deployment.get_exposures(MINA, "010-2000-0001")
    assert ([entry["result"] for entry in answer["datasets"]], answer["exposures"]) == (["not_found"], [])


@pytest.mark.parametrize("other", ["", "confirmed", "possible"])
def test_a_withdrawn_person_is_not_made_an_empty_finding_by_a_row_without_items(
    other: str, deployment: Deployment
) -> None:
    rows = [make_row("a1", email=MINA, confidence="withdrawn"), make_row("a1", email=MINA, confidence=other)]
    with pytest.raises(ImportFailed, match="line 3, column items"):
        deployment.import_rows(rows)
    staged = deployment.import_rows(rows, max_rejects=None)
    record = find_person(deployment, staged.id, MINA)
    assert (record.confidence, dict(record.items)) == ("withdrawn", {})


def test_a_withdrawn_row_without_items_does_not_take_those_of_another_row(deployment: Deployment) -> None:
    staged = deployment.import_rows(
        [make_row("a1", email=MINA, confidence="withdrawn"), make_row("a1", email=MINA, items="name")]
    )
    record = find_person(deployment, staged.id, MINA)
    assert (record.confidence, dict(record.items)) == ("confirmed", {"name": 1})


@pytest.mark.parametrize("confidence", ["confirmed", "possible"])
def test_only_a_withdrawn_person_is_sealed_without_items(
    confidence: str, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last guard, should the read stage ever let such a row through."""
    monkeypatch.setattr("app.importing.row_validation.check_items", lambda *_: None)
    with pytest.raises(ImportFailed, match="without items"):
        deployment.import_rows(
            [make_row("a1", email=MINA, items="name"), make_row("a2", email=JUN, confidence=confidence)]
        )
    assert deployment.execute_sql("SELECT id FROM data_sets") == []
    assert deployment.keys.list_store_key_ids() == []


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_a_sealed_record_without_items_is_an_answer_only_where_it_is_withdrawn(confidence: Any) -> None:
    """One that an earlier version sealed ends in 503 and not in `exposed: nothing`."""
    content: Mapping[str, Any] = {"items": {}, "cohorts": (), "tags": {}, "siblings": (), "hints": {}}
    record = Record(subject=bytes(16), role="holder", confidence=confidence, **content)
    if confidence == "withdrawn":
        assert decode(encode(record)) == record
    else:
        with pytest.raises(DecryptionFailed, match="without items"):
            decode(encode(record))


def test_an_import_does_not_resume_with_what_was_sealed_under_other_rules(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [make_row(f"a{n}", email=f"p{n}@example.com", items="name") for n in range(60)]
    monkeypatch.setattr("app.importing.pipeline.ROWS_PER_PARTITION", 10)
    seen: set[str] = set()

    def interrupt(stage: str, _: int) -> None:
        if stage == "sort":
            raise KeyboardInterrupt

    for rules, is_sealed_again in ((ROW_RULES, False), ("items are optional", True)):
        with pytest.raises(KeyboardInterrupt):
            deployment.import_rows(people, listener=RecordingListener(interrupt))
        monkeypatch.setattr("app.importing.source.ROW_RULES", rules)
        seen.clear()
        deployment.import_rows(people, listener=RecordingListener(lambda stage, _: seen.add(stage)))
        assert ("seal" in seen) is is_sealed_again

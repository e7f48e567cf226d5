"""From a file to a staged data set: who is one person, what is refused, and that nothing is left of what did not work."""

import json
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app import datasets
from app.crypto.key_files import create_key_file
from app.crypto.row_sealing import SIZE_CLASSES, RowSealer
from app.crypto.keys import Pepper
from app.datasets import ImportFailed, StateConflict, Record
from app.datasets.files import InvalidFile, write_source_file
from app.datasets.importing import ImportOptions, NullListener, ImportResult
from app.datasets.importing.pipeline import import_file
from app.datasets.synthetic import synthesize
from app.errors import InvalidInput, DependencyUnavailable
from app.incidents import UnknownIncident
from app.keyholder import import_socket_path
from tests.datasets.store_reader import comparable_contents, look_up, find_people, find_person, list_sealed_tables, read_stored_rows, table_name
from tests.support.deployment import INCIDENT_SLUG, Deployment, RecordingListener, make_row

MINA, MINAS_PHONE = "mina@example.com", "010-2000-0001"
SENTINEL = 1
"""Rows that every data set has besides its people's."""


def assert_nothing_left(deployment: Deployment) -> None:
    """No data set, no table, no key file, no scheme."""
    assert deployment.execute_sql("SELECT id FROM data_sets") == []
    assert deployment.execute_sql("SELECT id FROM kdf_params") == []
    assert list_sealed_tables(deployment) == []
    assert deployment.keys.list_store_key_ids() == []
    assert list(deployment.settings.work_dir.glob("*")) == []


def counted(record: Record) -> dict[str, int]:
    return dict(record.items)


# --- one person ------------------------------------------------------------------------------------------------------


def test_rows_of_one_person_are_united(deployment: Deployment) -> None:
    staged = deployment.import_rows(
        [
            make_row("a1", email=MINA, name="김민아", items="name|email", cohort="profile-edit"),
            make_row("a2", email="other@example.com", items="name"),
            make_row("a1", phone=MINAS_PHONE, address="서울 강남구 테헤란로 12", items="name|order", cohort="list", count=3),
            make_row("a1", email="Mina.Second@example.com", name="김 민아", items="order"),
        ]
    )
    assert (staged.people, staged.rows) == (2, 3 + 1 + SENTINEL)
    records = [find_person(deployment, staged.id, one) for one in (MINA, MINAS_PHONE, "mina.second@example.com")]
    assert len({record.subject for record in records}) == 1
    for record in records:
        assert record.role == "holder"
        assert counted(record) == {"name": 4, "email": 1, "order": 4}
        assert len(record.cohorts) == 2
        assert {kind: len(tags) for kind, tags in record.tags.items()} == {
            "name": 1,  # two spellings of one name
            "address": 1,
        }
        assert len(record.siblings) == 2
    locators = {look_up(deployment, staged.id, one).locator for one in (MINA, MINAS_PHONE, "mina.second@example.com")}
    for one in (MINA, MINAS_PHONE):
        found = look_up(deployment, staged.id, one)
        assert set(found.records[0].siblings) == locators - {found.locator}


@pytest.mark.parametrize(
    ("rows", "confidence"),
    [
        ([""], "confirmed"),
        (["confirmed", "possible"], "confirmed"),
        (["withdrawn", "possible"], "possible"),
        (["withdrawn", ""], "confirmed"),
        (["withdrawn", "withdrawn"], "withdrawn"),
        (["possible"], "possible"),
    ],
)
def test_the_highest_confidence_wins_and_withdrawn_is_unanimous(
    rows: list[str], confidence: str, deployment: Deployment
) -> None:
    staged = deployment.import_rows([make_row("a1", email=MINA, items="name", confidence=one) for one in rows])
    assert find_person(deployment, staged.id, MINA).confidence == confidence


def test_holder_and_recipient_of_one_account_are_two_people_even_under_one_identifier(deployment: Deployment) -> None:
    staged = deployment.import_rows(
        [
            make_row("a1", email=MINA, phone=MINAS_PHONE, items="email"),
            make_row("a1", recipient_ref="r1", phone=MINAS_PHONE, items="phone"),
            make_row("a1", recipient_ref="r2", phone=MINAS_PHONE, items="address"),
        ]
    )
    assert staged.people == 3
    people = find_people(deployment, staged.id, MINAS_PHONE)
    assert sorted((one.role, *one.items) for one in people) == [
        ("holder", "email"),
        ("recipient", "address"),
        ("recipient", "phone"),
    ]
    assert len({one.subject for one in people}) == 3
    deployment.publish(staged.id)
    told = deployment.get_exposures(MINAS_PHONE)["exposures"]
    assert [(one["role"], [item["kind"] for item in one["items"]]) for one in told] == [
        ("holder", ["email"]),
        ("recipient", ["phone", "address"]),
    ]


def test_a_family_shares_a_phone_and_each_of_them_has_an_exposure(deployment: Deployment) -> None:
    staged = deployment.import_rows(
        [
            make_row("a1", email=MINA, phone=MINAS_PHONE, items="name"),
            make_row("a2", email="jun@example.com", phone=MINAS_PHONE, items="order"),
        ]
    )
    deployment.publish(staged.id)
    by_phone = deployment.get_exposures(MINAS_PHONE)["exposures"]
    assert sorted(item["kind"] for one in by_phone for item in one["items"]) == ["name", "order"]
    (only_mina,) = deployment.get_exposures(MINA)["exposures"]
    assert [item["kind"] for item in only_mina["items"]] == ["name"]


@pytest.mark.parametrize(("sharers", "told_apart"), [(20, True), (21, False)])
def test_twenty_people_are_told_apart_and_one_more_are_not(
    sharers: int, told_apart: bool, deployment: Deployment
) -> None:
    staged = deployment.import_rows(
        [
            make_row(f"a{number}", email=f"p{number}@example.com", phone=MINAS_PHONE, items="name")
            for number in range(sharers)
        ]
    )
    found = look_up(deployment, staged.id, MINAS_PHONE)
    assert staged.people == sharers
    assert staged.rows == sharers + (sharers if told_apart else 1) + SENTINEL
    assert (len(found.records), found.is_ambiguous) == ((sharers, False) if told_apart else (0, True))
    assert staged.ambiguous_identifiers == (0 if told_apart else 1)
    deployment.publish(staged.id)
    answer = deployment.get_exposures(MINAS_PHONE)
    assert [one["result"] for one in answer["datasets"]] == ["found" if told_apart else "cannot_tell"]
    assert len(answer["exposures"]) == (sharers if told_apart else 0)
    assert len(deployment.get_exposures("p7@example.com")["exposures"]) == 1  # found by their own identifier all the same


def test_people_whom_nothing_finds_are_counted(deployment: Deployment) -> None:
    staged = deployment.import_rows(
        [
            make_row("a1", name="김민아", items="name"),
            make_row("a2", name="박준", address="서울 강남구 테헤란로 12", items="name"),
            make_row("a3", email=MINA, items="name"),
            make_row("a3", name="이소라", items="name"),  # one person: the other row finds them
        ]
    )
    assert (staged.people, staged.unreachable, staged.rows) == (1, 2, 1 + SENTINEL)


def test_a_file_of_nobody_who_could_be_found_is_refused(deployment: Deployment) -> None:
    with pytest.raises(ImportFailed, match="usable email or phone"):
        deployment.import_rows([make_row("a1", name="김민아", items="name")])
    assert_nothing_left(deployment)


# --- rejects ---------------------------------------------------------------------------------------------------------

SECRET = "secretvalue"  # stands where a value stands; must never be seen again
REJECTED: dict[str, tuple[dict[str, str], str, str]] = {
    "an email that is none": (make_row("a2", email=f"{SECRET}@", items="name"), "email", ""),
    "a phone that is none": (make_row("a2", phone=f"010-{SECRET}", items="name"), "phone", "not-a-phone"),
    "a count below one": (make_row("a2", email=f"{SECRET}@example.com", items="name", count=0), "count", "whole number"),
    "a confidence that is none": (make_row("a2", email=MINA, confidence=SECRET), "confidence", "must be confirmed"),
    "no account": (make_row("", email=f"{SECRET}@example.com", items="name"), "account_ref", "must not be empty"),
    "an item that nobody knows": (make_row("a2", email=MINA, items=f"name|{SECRET}"), "items", "does not declare"),
}


TOO_MUCH: dict[str, list[dict[str, str]]] = {
    "one person has over 1,000 identifiers": [
        make_row("a2", email="|".join(f"{SECRET}{part}x{number}@e.com" for number in range(334)), items="name")
        for part in range(3)
    ],
    "one person has more values than a row holds": [
        make_row("a2", email=f"{SECRET}@e.com", name="|".join(f"{chr(0xAC00 + one)}{chr(0xAC00 + part)}" for one in range(3_000)), items="name")
        for part in range(3)
    ],
}  # fmt: skip
"""Rows of one person, each of which could be taken."""


@pytest.mark.parametrize("name", REJECTED)
def test_a_row_that_cannot_be_taken_is_named_by_its_place_and_ends_the_import(
    name: str, deployment: Deployment
) -> None:
    bad, column, reason = REJECTED[name]
    with pytest.raises(ImportFailed) as caught:
        deployment.import_rows([make_row("a1", email=MINA, items="name"), bad])
    said = str(caught.value)
    assert f"line 3, column {column}" in said
    assert reason in said
    assert "nothing was imported" in said
    assert SECRET not in said
    assert_nothing_left(deployment)


@pytest.mark.parametrize("reason", TOO_MUCH)
def test_one_person_with_too_much_is_rejected(reason: str, deployment: Deployment) -> None:
    rows = [make_row("a1", email=MINA, items="name"), *TOO_MUCH[reason]]
    with pytest.raises(ImportFailed, match=f"line 3, column account_ref: {reason}") as caught:
        deployment.import_rows(rows)
    assert SECRET not in str(caught.value)
    assert_nothing_left(deployment)
    staged = deployment.import_rows(rows, max_rejects=1)
    assert (staged.people, staged.rows) == (1, 1 + SENTINEL)


def test_an_item_that_the_incident_does_not_declare_is_rejected(deployment: Deployment) -> None:
    declared = deployment.incident.model_copy(
        update={"slug": "names-only", "items": deployment.incident.items[:1], "actions": []}
    )
    deployment.create_incident(declared)
    deployment.import_rows([make_row("a1", email=MINA, items="name")], incident="names-only")
    with pytest.raises(ImportFailed, match="line 2, column items: an item that the incident does not declare"):
        deployment.import_rows([make_row("a1", email=MINA, items="name|order")], incident="names-only")


def test_rejects_that_are_allowed_are_left_out_and_the_rest_is_imported(deployment: Deployment) -> None:
    rows = [
        make_row("a1", email=MINA, items="name"),
        make_row("a1", phone="12", items="order"),
        make_row("a2", email="nobody", items="name"),
        make_row("a3", email="sora@example.com", items="name"),
    ]
    with pytest.raises(ImportFailed, match=r"line 3, column phone: .*\(and 1 more\)"):
        deployment.import_rows(rows, max_rejects=1)
    assert_nothing_left(deployment)
    staged = deployment.import_rows(rows, max_rejects=2)
    assert [(one.line, one.column) for one in staged.rejects] == [(3, "phone"), (4, "email")]
    assert (staged.people, staged.unreachable) == (2, 0)
    assert counted(find_person(deployment, staged.id, MINA)) == {"name": 1}  # the rejected row counts for nothing
    assert len(deployment.import_rows(rows, max_rejects=None).rejects) == 2


def test_a_row_of_another_width_is_named_by_its_line_alone(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    file.write_text(f"account_ref,email,items\na1,{MINA},name\na2,{SECRET},name,more\n")
    with pytest.raises(ImportFailed) as caught:
        deployment.import_file(file)
    assert "line 3: 4 cells under a header of 3" in str(caught.value)
    assert_nothing_left(deployment)


def test_rejects_are_handed_over_before_they_end_the_import(deployment: Deployment) -> None:
    kept: list[Any] = []
    with pytest.raises(ImportFailed):
        _import(deployment, [make_row("a1", phone="12", items="name")], listener=RecordingListener(on_rejects=kept.extend))
    assert [(one.line, one.column, one.reason) for one in kept] == [(1, "phone", "not-a-subscriber-number")]


@pytest.mark.parametrize("content", ["", "account_ref,email,items\n", "\n\n"])
def test_an_empty_file_is_refused(content: str, deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.write_text(content)
    with pytest.raises(InvalidFile):
        deployment.import_file(file)
    assert_nothing_left(deployment)


def test_a_file_that_breaks_off_leaves_nothing(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f'account_ref,email,items\na1,{MINA},name\na2,"never closed,name\n')
    with pytest.raises(InvalidFile, match=r"people\.csv, line 3"):
        deployment.import_file(file)
    assert_nothing_left(deployment)


def test_an_unknown_incident_is_refused(deployment: Deployment) -> None:
    with pytest.raises(UnknownIncident):
        deployment.import_rows([make_row("a1", email=MINA, items="name")], incident="no-such")
    assert_nothing_left(deployment)


def test_more_cohorts_than_an_incident_can_have_are_refused(deployment: Deployment) -> None:
    rows = [make_row("a1", email=MINA, items="name", cohort=f"cohort-{number}") for number in range(257)]
    with pytest.raises(ImportFailed, match="column cohort: more than 256"):
        deployment.import_rows(rows)
    assert_nothing_left(deployment)
    assert len(find_person(deployment, deployment.import_rows(rows[:256]).id, MINA).cohorts) == 256


# --- the same whatever the order and the workers -------------------------------------------------------------------------


def test_neither_order_nor_workers_nor_format_shows(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.datasets.importing.pipeline.ROWS_PER_PARTITION", 30)
    monkeypatch.setattr("app.datasets.files.blocks.BLOCK_BYTES", 8192)
    rows = list(synthesize(120, seed=2))
    shuffled = random.Random(5).sample(rows, len(rows))
    made = []
    for workers, (name, given) in enumerate(
        {"a.csv": rows, "b.ndjson": shuffled, "c.parquet": shuffled[::-1], "d.csv": shuffled}.items(), 1
    ):
        write_source_file(tmp_path / name, given)
        made.append(deployment.import_file(tmp_path / name, workers=workers))
    assert {(one.people, one.rows, one.unreachable) for one in made} == {(made[0].people, made[0].rows, 0)}
    first, *others = [comparable_contents(deployment, one.id, rows) for one in made]
    assert len(first) > 150
    assert others == [first, first, first]


def test_it_does_not_show_how_many_records_were_sealed_at_once(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = list(synthesize(60, seed=3))
    write_source_file(tmp_path / "people.csv", rows)
    whole = deployment.import_file(tmp_path / "people.csv")
    monkeypatch.setattr("app.datasets.importing.stages.seal.RECORD_BATCH_BYTES", 500)
    parts = deployment.import_file(tmp_path / "people.csv")
    assert (parts.people, parts.rows) == (whole.people, whole.rows)
    assert comparable_contents(deployment, parts.id, rows) == comparable_contents(deployment, whole.id, rows)


def test_nothing_stored_ties_an_email_to_its_phone(deployment: Deployment) -> None:
    rows = [
        make_row(f"a{number}", email=f"p{number}@example.com", phone=f"010-4000-{number:04}", items="name")
        for number in range(40)
    ]
    first, second = deployment.import_rows(rows), deployment.import_rows(rows)
    stored = [read_stored_rows(deployment, one.id) for one in (first, second)]
    locators = [{locator for locator, _, _ in one} for one in stored]
    assert not locators[0] & locators[1]  # unlinkable from one set to the next
    assert not {sealed for _, _, sealed in stored[0]} & {sealed for _, _, sealed in stored[1]}
    record = find_person(deployment, first.id, "p3@example.com")
    everything = b"".join(locator + sealed for locator, _, sealed in stored[0])
    for hidden in (record.subject, *record.siblings, *(tag for tags in record.tags.values() for tag in tags)):
        assert hidden not in everything


def test_rows_are_loaded_in_the_order_of_what_is_stored(deployment: Deployment) -> None:
    rows = [
        make_row(f"a{number}", email=f"p{number}@example.com", phone=f"010-4000-{number:04}", items="name")
        for number in range(40)
    ]
    staged = deployment.import_rows(rows)
    if deployment.database.is_sqlite:
        lying = [locator for locator, _, _ in read_stored_rows(deployment, staged.id)]  # WITHOUT ROWID: there is no other
    else:
        lying = [bytes(one) for (one,) in deployment.execute_sql(f"SELECT locator FROM {table_name(staged.id)} ORDER BY ctid")]
    assert lying == sorted(lying)
    assert len(lying) == 81


def test_entries_do_not_come_in_the_order_of_the_file(deployment: Deployment) -> None:
    rows = [
        make_row(f"a{number}", email=f"p{number}@example.com", phone=MINAS_PHONE, items="name", count=number + 1)
        for number in range(12)
    ]
    counts = [record.items["name"] for record in find_people(deployment, deployment.import_rows(rows).id, MINAS_PHONE)]
    assert sorted(counts) == [*range(1, 13)]
    assert counts != sorted(counts)  # one chance in 479 million


def test_sizes_are_classes_and_a_rare_one_is_rounded_up(deployment: Deployment) -> None:
    rows = [make_row(f"a{number}", email=f"p{number}@example.com", items="name") for number in range(8)]
    assert _sizes(deployment, deployment.import_rows(rows)) == {SIZE_CLASSES[0]: 8 + SENTINEL}
    rows.append(make_row("b", email="|".join(f"b{number}@example.com" for number in range(20)), items="name"))
    (size,) = sizes = _sizes(deployment, deployment.import_rows(rows))
    assert size in SIZE_CLASSES[1:]
    assert sizes == {size: 8 + 20 + SENTINEL}


def _sizes(deployment: Deployment, staged: ImportResult) -> Counter[int]:
    return Counter(len(sealed) for _, _, sealed in read_stored_rows(deployment, staged.id))


def test_a_size_that_many_have_stays_as_it_is(deployment: Deployment) -> None:
    rows = [make_row(f"a{number}", email=f"p{number}@example.com", items="name") for number in range(1_000)]
    rows.append(make_row("b", email="|".join(f"b{number}@example.com" for number in range(20)), items="name"))
    small, large = sorted(_sizes(deployment, deployment.import_rows(rows)).items())
    assert small == (SIZE_CLASSES[0], 1_000 + SENTINEL)
    assert large[0] in SIZE_CLASSES[1:]
    assert large[1] == 20


def test_a_marker_and_the_sentinel_are_no_larger_or_smaller_than_others(deployment: Deployment) -> None:
    rows = [make_row(f"a{number}", email=f"p{number}@example.com", phone=MINAS_PHONE, items="name") for number in range(21)]
    assert len(_sizes(deployment, deployment.import_rows(rows))) == 1


# --- the sentinel ------------------------------------------------------------------------------------------------------


def test_without_the_sentinel_nothing_is_read_however_much_is_there(deployment: Deployment) -> None:
    staged = deployment.import_rows([make_row("a1", email=MINA, items="name", cohort="list")])
    with deployment.database.read() as session:
        key = deployment.keys.load_store_key(datasets.get(session, staged.id).key_id)
    own = RowSealer(key, staged.id).encrypt_locators(look_up(deployment, staged.id, MINA).locator)
    ((sentinel, entry, _),) = [one for one in read_stored_rows(deployment, staged.id) if one[0] != own]
    assert entry == 0
    deployment.execute_sql(f"DELETE FROM {table_name(staged.id)} WHERE locator = {_mark(deployment)}", sentinel)
    with pytest.raises(datasets.SentinelMissing):
        look_up(deployment, staged.id, MINA)
    with pytest.raises(datasets.SentinelMissing):
        look_up(deployment, staged.id, "somebody.else@example.com")


def _mark(deployment: Deployment) -> str:
    return "?" if deployment.database.is_sqlite else "%s"


# --- marked, staged, fixed -----------------------------------------------------------------------------------------------


def test_one_synthetic_account_marks_the_whole_set(deployment: Deployment) -> None:
    real = deployment.import_rows([make_row("a1", email=MINA, items="name")])
    with deployment.database.read() as session:
        assert not datasets.get(session, real.id).synthetic
        assert not datasets.has_synthetic_data(session)
    mixed = deployment.import_rows(
        [make_row("a1", email=MINA, items="name"), make_row("synthetic-1", email="p@example.com", items="name")]
    )
    with deployment.database.read() as session:
        assert datasets.get(session, mixed.id).synthetic
        assert datasets.has_synthetic_data(session)
    deployment.retire(mixed.id)
    with deployment.database.read() as session:
        assert not datasets.has_synthetic_data(session)


def test_what_is_kept_of_a_staged_set(deployment: Deployment) -> None:
    staged = [
        deployment.import_rows([make_row("a1", email=MINA, items="name")], kind=kind) for kind in ("full", "supplement", "full")
    ]
    with deployment.database.read() as session:
        kept = datasets.list_all(session)
    assert [(one.id, one.version, one.kind, one.state) for one in kept] == [
        (staged[0].id, 1, "full", "staged"),
        (staged[1].id, 2, "supplement", "staged"),
        (staged[2].id, 3, "full", "staged"),
    ]
    assert {(one.rows, one.people, one.published_at) for one in kept} == {(1 + SENTINEL, 1, None)}
    assert {one.key_id for one in kept} == set(deployment.keys.list_store_key_ids())
    assert len({one.key_id for one in kept}) == 3  # a store key each


def test_a_staged_set_is_invisible(deployment: Deployment) -> None:
    deployment.import_rows([make_row("a1", email=MINA, items="name")])
    answer = deployment.get_exposures(MINA)
    assert (answer["datasets"], answer["exposures"]) == ([], [])


def test_the_first_import_fixes_the_scheme(deployment: Deployment) -> None:
    rows = [make_row("a1", email=MINA, items="name")]
    deployment.import_rows(rows, cost="minimal")
    fixed = deployment.execute_sql("SELECT salt, time_cost, memory_kib FROM kdf_params")
    with pytest.raises(StateConflict, match="--cost default is not what the first import fixed"):
        deployment.import_rows(rows, cost="default")
    deployment.import_rows(rows, cost="minimal")
    deployment.import_rows(rows)
    assert deployment.execute_sql("SELECT salt, time_cost, memory_kib FROM kdf_params") == fixed
    assert len(deployment.execute_sql("SELECT id FROM data_sets")) == 3


def test_a_cost_can_be_spelt_out(deployment: Deployment) -> None:
    rows = [make_row("a1", email=MINA, items="name")]
    with pytest.raises(InvalidInput, match="--cost: is neither"):
        deployment.import_rows(rows, cost="1:7")
    deployment.import_and_publish(rows, cost="1:512")
    assert deployment.execute_sql("SELECT time_cost, memory_kib FROM kdf_params") == [(1, 512)]
    assert len(deployment.get_exposures(MINA)["exposures"]) == 1
    with pytest.raises(StateConflict, match=r"--cost 2:512 is not what the first import fixed \(1:512\)"):
        deployment.import_rows(rows, cost="2:512")
    deployment.import_rows(rows, cost="1:512")


# --- when something fails ------------------------------------------------------------------------------------------------


def _import(
    deployment: Deployment,
    rows: Iterable[Mapping[str, str]],
    *,
    keyholder_socket: Path | None = None,
    name: str = "people.ndjson",
    **given: Any,
) -> ImportResult:
    """Import with hooks of the test's own; may run beside another."""
    path = deployment.folder / name
    path.write_text("".join(json.dumps({k: v for k, v in one.items() if v}) + "\n" for one in rows))
    return import_file(
        ImportOptions(path, INCIDENT_SLUG, cost=given.pop("cost", "minimal"), workers=given.pop("workers", 1)),
        database=deployment.database,
        keys=deployment.keys,
        import_socket=import_socket_path(keyholder_socket or deployment.keyholder_socket),
        work_dir=deployment.settings.work_dir,
        now=deployment.clock(),
        listener=given.pop("listener", NullListener()),
    )


@contextmanager
def mortal_keyholder(folder: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """A keyholder of the test's own, which it may kill."""
    create_key_file(folder / "mortal.key", Pepper.generate())
    keyholder_socket = folder / "door"
    command = [sys.executable, "-m", "app.keyholder", str(keyholder_socket), str(folder / "mortal.key"), "lookup", "import"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        try:
            yield keyholder_socket, child
        finally:
            child.kill()


def test_a_keyholder_that_dies_before_anything_is_sealed_leaves_nothing_behind(
    deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [make_row(f"a{number}", email=f"p{number}@example.com", items="name") for number in range(501)]
    with mortal_keyholder(tmp_path_factory.mktemp("mortal")) as (keyholder_socket, child):

        def kill(reached: str, _: int) -> None:
            if reached == "read" and child.poll() is None:
                child.kill()
                child.wait()

        with pytest.raises(DependencyUnavailable):
            _import(deployment, rows, keyholder_socket=keyholder_socket, listener=RecordingListener(kill))
    assert_nothing_left(deployment)
    deployment.import_rows(rows[:1])  # and the next one works


def test_a_keyholder_that_is_dead_from_the_start_leaves_nothing_behind_in_workers_either(
    deployment: Deployment, tmp_path: Path
) -> None:
    rows = [make_row(f"a{number}", email=f"p{number}@example.com", items="name") for number in range(501)]
    with pytest.raises(DependencyUnavailable):
        _import(deployment, rows, keyholder_socket=tmp_path / "nobody", workers=2)
    assert_nothing_left(deployment)


class Interrupted(BaseException):
    """As a Ctrl-C is."""


def test_an_interrupted_load_leaves_nothing_behind(deployment: Deployment) -> None:
    def interrupt(stage: str, _: int) -> None:
        if stage == "load":
            assert len(deployment.keys.list_store_key_ids()) == 1
            raise Interrupted

    with pytest.raises(Interrupted):
        _import(deployment, [make_row("a1", email=MINA, items="name")], listener=RecordingListener(interrupt))
    assert_nothing_left(deployment)


def _at_once(*calls: Callable[[], ImportResult]) -> list[ImportResult | Exception]:
    """Run the calls in threads of their own; gives what each came to."""
    results: list[ImportResult | Exception] = []

    def run(call: Callable[[], ImportResult]) -> None:
        try:
            results.append(call())
        except Exception as error:  # noqa: BLE001  it is what the test looks at
            results.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _meeting(deployment: Deployment, number: int, barrier: threading.Barrier) -> Callable[[], ImportResult]:
    """An import that waits for the others once it has read the scheme and sealed, just before it writes."""

    def meet(stage: str, _: int) -> None:
        if stage == "sort":
            barrier.wait()

    rows = [make_row(f"a{number}", email=f"p{number}@example.com", items="name")]
    return lambda: _import(deployment, rows, name=f"people-{number}.ndjson", listener=RecordingListener(meet))


def test_two_imports_at_once_get_versions_of_their_own(deployment: Deployment) -> None:
    deployment.import_rows([make_row("a1", email=MINA, items="name")])
    barrier = threading.Barrier(3)
    results = _at_once(*(_meeting(deployment, number, barrier) for number in range(3)))
    assert all(isinstance(one, ImportResult) for one in results), results
    assert sorted(version for (version,) in deployment.execute_sql("SELECT version FROM data_sets")) == [1, 2, 3, 4]
    for one in results:
        assert isinstance(one, ImportResult)
        with deployment.database.read() as session:
            number = datasets.get(session, one.id)
        assert number.people == 1
        assert len(read_stored_rows(deployment, one.id)) == 1 + SENTINEL


def test_of_two_first_imports_at_once_only_one_fixes_the_scheme(deployment: Deployment) -> None:
    barrier = threading.Barrier(2)
    results = _at_once(*(_meeting(deployment, number, barrier) for number in range(2)))
    assert {type(one) for one in results} == {StateConflict, ImportResult}, results
    (refused,) = [one for one in results if isinstance(one, Exception)]
    assert "run this one again" in str(refused)
    assert len(deployment.execute_sql("SELECT id FROM data_sets")) == len(list_sealed_tables(deployment)) == 1
    assert len(deployment.keys.list_store_key_ids()) == 1

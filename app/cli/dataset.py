"""`exposure dataset`."""

import os
import sys
import time
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from app.cli.dataset_inspect import inspect_dataset_file
from app.cli.import_progress import ImportReporter, ProgressBars, print_import_result
from app.cli.output import JsonOption, emit
from app.cli.resources import open_catalog, open_database, open_keyholder, open_keys
from app.clock import system_clock
from app.config import load_settings
from app.crypto.stretching import parse_cost
from app.datasets import service as datasets
from app.datasets import suppression
from app.datasets.canary_index import detect_identifier_kind
from app.datasets.destruction import destroy_store_key
from app.datasets.errors import AmbiguousIdentifier, UnknownIdentifier
from app.datasets.kdf_params import IdentifierHasher
from app.datasets.lifecycle import DataSet
from app.datasets.record import Record
from app.datasets.sealed_store import SealedStore
from app.datasets.shards import drop_shard_rows, open_shards
from app.datasets.signed_catalog import signed_change
from app.errors import InvalidInput
from app.identifiers import IdentifierKind, MalformedValue, canonicalize
from app.importing import DEFAULT_CANARY_DOMAIN, MAX_CANARIES, ImportOptions
from app.keyholder import KeyholderClient, KeyholderSocket, import_socket_path
from app.source_files import write_source_file
from app.synthetic import synthesize

commands = typer.Typer(
    add_completion=False, help="Data sets: import, publish, roll back, retire, verify.", no_args_is_help=True
)
commands.command("inspect")(inspect_dataset_file)


class KindOption(StrEnum):
    """How a data set relates to those before it."""

    full = "full"
    supplement = "supplement"


Id = Annotated[UUID, typer.Argument(help="the data set's id", metavar="ID")]


@commands.command("import")
def import_dataset(
    file: Annotated[Path, typer.Argument(help="CSV, NDJSON or Parquet file; the ending decides")],
    incident: Annotated[str, typer.Option(help="the incident's slug")],
    kind: Annotated[
        KindOption, typer.Option(help="full: replaces all before it; supplement: is read in addition to them")
    ] = KindOption.full,
    cost: Annotated[
        str | None,
        typer.Option(help="Argon2id cost: minimal, default, strong or PASSES:KIB; the first import fixes it"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="number of worker processes; default: one for each core")
    ] = None,
    encoding: Annotated[str, typer.Option(help="text encoding of a CSV or NDJSON file")] = "utf-8",
    rejects: Annotated[
        Path | None, typer.Option(help="file for line, column and reason (never the value) of the rejected rows")
    ] = None,
    max_rejects: Annotated[
        int | None, typer.Option(min=0, help="limit of rejected rows; default: none, or any number with --rejects")
    ] = None,
    accept_merged: Annotated[
        int, typer.Option(min=0, help="how many people with contradictory rows, who may be strangers, are intended")
    ] = 0,
    canaries: Annotated[
        int,
        typer.Option(
            min=0, max=MAX_CANARIES, help="number of canary records to plant; a look-up of one raises an alert"
        ),
    ] = 0,
    canary_domain: Annotated[
        str, typer.Option(help="email domain of the canaries: one of the company that has no mailboxes")
    ] = DEFAULT_CANARY_DOMAIN,
    json: JsonOption = False,
) -> None:
    """Import a file as a staged data set, which is not visible until it is published."""
    from app.importing.pipeline import import_file  # noqa: PLC0415  imports Arrow, 50 MiB that a server does not need
    from app.rate_limits import load_policy  # noqa: PLC0415  imports Redis, which no other command here needs

    if cost is not None:
        parse_cost(cost)  # checked before anything is opened or started
    settings = load_settings()
    request = ImportOptions(
        path=file,
        incident=incident,
        kind="full" if kind is KindOption.full else "supplement",
        cost=cost,
        workers=workers or os.cpu_count() or 1,
        encoding=encoding,
        max_rejects=max_rejects if max_rejects is not None else None if rejects else 0,
        accept_merged=accept_merged,
        canaries=canaries,
        canary_domain=canary_domain,
    )
    sms_countries = load_policy(settings.limits_file).sms_countries  # a faulty file must not end a finished import
    started = time.monotonic()
    with (
        open_database(settings) as database,
        open_keyholder(settings, KeyholderSocket.LOOKUP, KeyholderSocket.IMPORT) as keyholder_socket,
        ProgressBars(as_json=json) as bars,
    ):
        staged = import_file(
            request,
            database=database,
            keys=open_keys(settings, database),
            import_socket=import_socket_path(keyholder_socket),
            work_dir=settings.work_dir,
            now=system_clock(),
            listener=ImportReporter(bars, rejects, as_json=json),
        )
    print_import_result(staged, time.monotonic() - started, sms_countries, as_json=json)


@commands.command("publish")
def publish(
    dataset: Id,
    accept_loss: Annotated[int, typer.Option(min=0, help="how many people fewer than before are intended")] = 0,
    json: JsonOption = False,
) -> None:
    """Publish a staged data set, or roll back to a superseded one."""
    with open_catalog() as (db, now):
        changed = datasets.publish(db, dataset, now=now, accept_loss=accept_loss)
    for data_set in changed:
        text = f"data set {data_set.id} is {data_set.state}"
        emit({"event": data_set.state, "id": data_set.id}, text, as_json=json)


@commands.command("retire")
def retire(dataset: Id, json: JsonOption = False) -> None:
    """Delete a data set's rows and destroy its store key, so that its backups are unreadable too."""
    settings = load_settings()
    with open_database(settings) as database:
        keys = open_keys(settings, database)
        with database.write() as db, signed_change(db, keys.load_signing_key(), now=system_clock()):
            retired = datasets.retire(db, dataset)
        if retired.key_id in keys.list_store_key_ids():  # an interrupted earlier run may have destroyed it
            destroy_store_key(database, keys, retired.key_id)
        with open_shards(database) as servers:
            drop_shard_rows(servers, dataset)
    emit({"event": "retired", "id": dataset}, f"data set {dataset} is retired, its key destroyed", as_json=json)


@commands.command("list")
def list_datasets(json: JsonOption = False) -> None:
    """List the data sets, oldest first."""
    with open_database(load_settings()) as database, database.read() as db:
        for data_set in datasets.list_all(db):
            version = f"{data_set.incident} v{data_set.version}"
            text = f"{data_set.id}  {version}  {data_set.kind}  {data_set.state}  {data_set.people:,} people"
            emit(_data_set_fields(data_set), text, as_json=json)


@commands.command("diff")
def diff(
    before: Annotated[UUID, typer.Argument(help="a data set's id", metavar="A")],
    after: Annotated[UUID, typer.Argument(help="another data set's id", metavar="B")],
    json: JsonOption = False,
) -> None:
    """Compare the counts of two data sets by cohort and item, as they were imported."""
    settings = load_settings()
    with open_database(settings) as database:
        keys = open_keys(settings, database)
        with database.read() as db:
            differences = datasets.diff(db, before, after, keys=keys)
    for row in differences:
        change = row.after - row.before
        text = f"{row.cohort or '-':20} {row.item:18} {row.before:>14,} {row.after:>14,} {change:>+14,}"
        emit({"event": "counted", **asdict(row), "change": change}, text, as_json=json)


@commands.command("verify")
def verify_dataset(
    dataset: Id,
    file: Annotated[Path | None, typer.Argument(help="the source file, to check a sample of its people")] = None,
    encoding: Annotated[str, typer.Option(help="text encoding of the source file")] = "utf-8",
    json: JsonOption = False,
) -> None:
    """Check a data set's rows against its signed manifest: exit code 0 if all is well, 1 if not."""
    from app.importing.integrity import check_integrity  # noqa: PLC0415  imports Arrow, 50 MiB that a server does not need

    settings = load_settings()
    with (
        open_database(settings) as database,
        open_keyholder(settings, KeyholderSocket.LOOKUP, KeyholderSocket.IMPORT) as keyholder_socket,
        KeyholderClient(keyholder_socket) as keyholder,
        KeyholderClient(import_socket_path(keyholder_socket)) as import_keyholder,
    ):
        keys = open_keys(settings, database)
        with database.read() as db:
            report = check_integrity(
                db,
                datasets.get(db, dataset),
                keys=keys,
                sealed_store=SealedStore(keys, keyholder),
                source=None if file is None else (file, encoding),
                import_keyholder=import_keyholder,
            )
    fields = {"event": "verified", "id": dataset, **asdict(report)}
    text = "; ".join(report.problems) or f"{report.rows:,} rows match the manifest; {report.sampled} people sampled"
    emit(fields, text, as_json=json)
    if report.problems:
        raise typer.Exit(1)


@commands.command("canaries")
def list_canaries(dataset: Id, json: JsonOption = False) -> None:
    """List the canary identifiers that an import planted. Keep the list as secret as a key."""
    settings = load_settings()
    with open_database(settings) as database:
        keys = open_keys(settings, database)
        with database.read() as db:
            planted = datasets.list_canaries(db, dataset, keys=keys)
    for identifier in planted:
        fields = {"event": "canary", "kind": detect_identifier_kind(identifier), "identifier": identifier}
        emit(fields, identifier, as_json=json)


@commands.command("suppress")
def suppress(
    dataset: Id,
    entry: Annotated[
        int | None, typer.Option(min=0, help="number of the person, if several people share the identifier")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Remove one person from every unretired data set of the incident. The email or phone is read from standard input."""
    settings = load_settings()
    kind, identifier = _read_identifier()
    with (
        open_database(settings) as database,
        open_keyholder(settings, KeyholderSocket.LOOKUP) as keyholder_socket,
        KeyholderClient(keyholder_socket) as keyholder,
    ):
        keys = open_keys(settings, database)
        sealed_store = SealedStore(keys, keyholder)
        with database.write() as db, signed_change(db, keys.load_signing_key(), now=system_clock()):
            digest = IdentifierHasher(keyholder).digest(db, kind, identifier)
            if digest is None:
                raise UnknownIdentifier("no data set was ever imported")
            try:
                removed = suppression.suppress(db, dataset, digest, sealed_store=sealed_store, keys=keys, entry=entry)
            except AmbiguousIdentifier:
                people = suppression.find_people(db, datasets.get(db, dataset), digest, sealed_store=sealed_store)
                for index, person in enumerate(people):
                    text = f"entry {index}: {person.role}, {_format_hints(person)}"
                    emit(_masked_entry_fields(index, person), text, as_json=json)
                raise
    for id_, rows in removed.items():
        emit({"event": "suppressed", "id": id_, "rows": rows}, f"data set {id_}: {rows} rows removed", as_json=json)


@commands.command("synthesize")
def synthesize_dataset(
    accounts: Annotated[int, typer.Option(min=1, help="number of accounts to generate")],
    out: Annotated[Path, typer.Option(help="CSV, NDJSON or Parquet file; the ending decides")],
    seed: Annotated[int, typer.Option(help="the same seed gives the same people")] = 0,
    json: JsonOption = False,
) -> None:
    """Generate a synthetic Korean data set, marked as synthetic in each account_ref."""
    rows = write_source_file(out, synthesize(accounts, seed=seed))
    emit({"event": "synthesized", "path": str(out), "rows": rows}, f"{out}: {rows:,} rows", as_json=json)


def _read_identifier() -> tuple[IdentifierKind, str]:
    """Read an email or a phone number from standard input; only an email has an @. It is UTF-8, whatever the locale."""
    line = sys.stdin.buffer.readline().decode("utf-8-sig", "surrogateescape")
    kind: IdentifierKind = "email" if "@" in line or "\uff20" in line else "phone"
    try:
        return kind, canonicalize(kind, line)
    except MalformedValue as malformed:
        raise InvalidInput(f"standard input: line 1 is not a valid {kind}: {malformed.reason}") from None


def _masked_entry_fields(index: int, person: Record) -> dict[str, object]:
    hints = [hint for of_kind in person.hints.values() for hint in of_kind]
    return {"entry": index, "role": person.role, "items": sorted(person.items), "hints": hints}


def _format_hints(person: Record) -> str:
    return ", ".join(hint for of_kind in person.hints.values() for hint in of_kind) or "no hints stored"


def _data_set_fields(data_set: DataSet) -> dict[str, object]:
    names = ("id", "incident", "kind", "state", "version", "rows", "people", "imported_at", "published_at")
    return {name: getattr(data_set, name) for name in names if getattr(data_set, name) is not None}

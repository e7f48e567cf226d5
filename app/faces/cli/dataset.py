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

from app import datasets
from app.clock import system_clock
from app.config import load_settings
from app.crypto.stretching import parse_cost
from app.datasets import DataSet, IdentifierHasher, Record, SealedStore, AmbiguousIdentifier, UnknownIdentifier
from app.datasets.files import write_source_file
from app.datasets.importing import MAX_CANARIES, DEFAULT_CANARY_DOMAIN, ImportOptions, ImportResult
from app.datasets.synthetic import synthesize
from app.errors import InvalidInput
from app.faces.cli.import_progress import ProgressBars, ImportReporter
from app.faces.cli.resources import open_database, open_keyholder, open_keys
from app.faces.cli.output import JsonOption, emit
from app.identifiers import IdentifierKind, MalformedValue, canonicalize
from app.keyholder import KeyholderSocket, KeyholderClient, import_socket_path

commands = typer.Typer(help="Data sets: import, publish, roll back, retire, check.", no_args_is_help=True)


class KindOption(StrEnum):
    """What a data set is to those before it."""

    full = "full"
    supplement = "supplement"


Id = Annotated[UUID, typer.Argument(help="the data set's id", metavar="ID")]


@commands.command("import")
def import_dataset(
    file: Annotated[Path, typer.Argument(help="CSV, NDJSON or Parquet, by its ending")],
    incident: Annotated[str, typer.Option(help="the incident's slug")],
    kind: Annotated[
        KindOption, typer.Option(help="full takes the place of all before it; a supplement is read beside them")
    ] = KindOption.full,
    cost: Annotated[
        str | None,
        typer.Option(help="of Argon2id: minimal, default, strong or PASSES:KIB, as in 1:512; the first import fixes it"),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="processes that seal; default: one for each core")] = None,
    encoding: Annotated[str, typer.Option(help="of CSV and NDJSON")] = "utf-8",
    rejects: Annotated[
        Path | None, typer.Option(help="CSV of line, column, reason of the rows left out; never values")
    ] = None,
    max_rejects: Annotated[
        int | None, typer.Option(min=0, help="rows that may be left out; default: none, or any number with --rejects")
    ] = None,
    canaries: Annotated[
        int,
        typer.Option(
            min=0,
            max=MAX_CANARIES,
            help="records to plant of people whom nobody is: who asks about one raises an alarm",
        ),
    ] = 0,
    canary_domain: Annotated[
        str, typer.Option(help="where their emails stand: one of the company's own that delivers to nobody")
    ] = DEFAULT_CANARY_DOMAIN,
    json: JsonOption = False,
) -> None:
    """Import a file as a staged data set, which nobody sees until it is published."""
    from app.datasets.importing.pipeline import import_file  # noqa: PLC0415  brings Arrow, 50 MiB that a server has no use for

    if cost is not None:
        parse_cost(cost)  # refused before anything is opened or started
    settings = load_settings()
    request = ImportOptions(
        path=file,
        incident=incident,
        kind="full" if kind is KindOption.full else "supplement",
        cost=cost,
        workers=workers or os.cpu_count() or 1,
        encoding=encoding,
        max_rejects=max_rejects if max_rejects is not None else None if rejects else 0,
        canaries=canaries,
        canary_domain=canary_domain,
    )
    began = time.monotonic()
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
    _said_staged(staged, time.monotonic() - began, as_json=json)


@commands.command("publish")
def publish(
    dataset: Id,
    accept_loss: Annotated[int, typer.Option(min=0, help="people fewer than before that are meant")] = 0,
    json: JsonOption = False,
) -> None:
    """Publish a staged data set, or roll back to a superseded one."""
    with open_database(load_settings()) as database, database.write() as session:
        changed = datasets.publish(session, dataset, now=system_clock(), accept_loss=accept_loss)
    for one in changed:
        emit({"event": one.state, "id": one.id}, f"data set {one.id} is {one.state}", as_json=json)


@commands.command("retire")
def retire(dataset: Id, json: JsonOption = False) -> None:
    """Drop a data set's rows and destroy its store key, so that no backup of it can be read either."""
    settings = load_settings()
    with open_database(settings) as database:
        keys = open_keys(settings, database)
        with database.write() as session:
            retired = datasets.retire(session, dataset)
        if retired.key_id in keys.list_store_key_ids():  # or an earlier run came so far
            keys.destroy_store_key(retired.key_id)
        with datasets.open_shards(database) as servers:
            datasets.drop_shard_rows(servers, dataset)
    emit({"event": "retired", "id": dataset}, f"data set {dataset} is retired, its key destroyed", as_json=json)


@commands.command("list")
def list_datasets(json: JsonOption = False) -> None:
    """List the data sets, by age."""
    with open_database(load_settings()) as database, database.read() as session:
        for one in datasets.list_all(session):
            emit(
                _fields(one),
                f"{one.id}  {one.incident} v{one.version}  {one.kind}  {one.state}  {one.people:,} people",
                as_json=json,
            )


@commands.command("diff")
def diff(
    before: Annotated[UUID, typer.Argument(help="a data set's id", metavar="A")],
    after: Annotated[UUID, typer.Argument(help="another's", metavar="B")],
    json: JsonOption = False,
) -> None:
    """Lay the counts of two data sets beside each other, by cohort and item, as they were imported."""
    settings = load_settings()
    with open_database(settings) as database:
        keys = open_keys(settings, database)
        with database.read() as session:
            found = datasets.diff(session, before, after, keys=keys)
    for one in found:
        change = one.after - one.before
        text = f"{one.cohort or '-':20} {one.item:18} {one.before:>14,} {one.after:>14,} {change:>+14,}"
        emit({"event": "counted", **asdict(one), "change": change}, text, as_json=json)


@commands.command("verify")
def verify_dataset(
    dataset: Id,
    file: Annotated[Path | None, typer.Argument(help="the source file, of which a sample is opened")] = None,
    encoding: Annotated[str, typer.Option(help="of the source file")] = "utf-8",
    json: JsonOption = False,
) -> None:
    """Hold a data set's rows against its signed manifest: exit 0 where all is well, 1 where it is not."""
    from app.datasets.integrity import check_integrity  # noqa: PLC0415  brings Arrow, 50 MiB that a server has no use for

    settings = load_settings()
    with (
        open_database(settings) as database,
        open_keyholder(settings, KeyholderSocket.LOOKUP, KeyholderSocket.IMPORT) as keyholder_socket,
        KeyholderClient(keyholder_socket) as keyholder,
        KeyholderClient(import_socket_path(keyholder_socket)) as import_keyholder,
    ):
        keys = open_keys(settings, database)
        with database.read() as session:
            report = check_integrity(
                session,
                datasets.get(session, dataset),
                keys=keys,
                sealed_store=SealedStore(keys, keyholder),
                source=None if file is None else (file, encoding),
                import_keyholder=import_keyholder,
            )
    fields = {"event": "verified", "id": dataset, **asdict(report)}
    text = (
        "; ".join(report.problems) or f"{report.rows:,} rows are as the manifest says; {report.sampled} people opened"
    )
    emit(fields, text, as_json=json)
    if report.problems:
        raise typer.Exit(1)


@commands.command("canaries")
def list_canaries(dataset: Id, json: JsonOption = False) -> None:
    """List the identifiers that an import planted and nobody owns: keep them like a key, or among the customers of a list that may leak."""
    settings = load_settings()
    with open_database(settings) as database:
        keys = open_keys(settings, database)
        with database.read() as session:
            planted = datasets.list_canaries(session, dataset, keys=keys)
    for one in planted:
        emit({"event": "canary", "kind": datasets.detect_identifier_kind(one), "identifier": one}, one, as_json=json)


@commands.command("suppress")
def suppress(
    dataset: Id,
    entry: Annotated[int | None, typer.Option(min=0, help="which of several people who share the identifier")] = None,
    json: JsonOption = False,
) -> None:
    """Remove one person, whose email or phone comes on standard input, from every unretired data set of the incident."""
    settings = load_settings()
    kind, identifier = _identifier(sys.stdin.readline())
    with (
        open_database(settings) as database,
        open_keyholder(settings, KeyholderSocket.LOOKUP) as keyholder_socket,
        KeyholderClient(keyholder_socket) as keyholder,
    ):
        keys = open_keys(settings, database)
        sealed_store = SealedStore(keys, keyholder)
        with database.write() as session:
            digest = IdentifierHasher(keyholder).digest(session, kind, identifier)
            if digest is None:
                raise UnknownIdentifier("nothing was ever imported")
            try:
                removed = datasets.suppress(session, dataset, digest, sealed_store=sealed_store, keys=keys, entry=entry)
            except AmbiguousIdentifier:
                people = datasets.find_people(session, datasets.get(session, dataset), digest, sealed_store=sealed_store)
                for number, person in enumerate(people):
                    emit(_masked(number, person), f"entry {number}: {person.role}, {_hints(person)}", as_json=json)
                raise
    for one, rows in removed.items():
        emit({"event": "suppressed", "id": one, "rows": rows}, f"data set {one}: {rows} rows removed", as_json=json)


@commands.command("synthesize")
def synthesize_dataset(
    accounts: Annotated[int, typer.Option(min=1, help="how many accounts to make up")],
    out: Annotated[Path, typer.Option(help="CSV, NDJSON or Parquet, by its ending")],
    seed: Annotated[int, typer.Option(help="the same seed makes the same people")] = 0,
    json: JsonOption = False,
) -> None:
    """Make up a Korean data set, marked as synthetic in each account_ref."""
    rows = write_source_file(out, synthesize(accounts, seed=seed))
    emit({"event": "synthesized", "path": str(out), "rows": rows}, f"{out}: {rows:,} rows", as_json=json)


def _identifier(line: str) -> tuple[IdentifierKind, str]:
    """Read an email or a phone: a phone has no @, and nothing else has one."""
    kind: IdentifierKind = "email" if "@" in line or "\uff20" in line else "phone"
    try:
        return kind, canonicalize(kind, line)
    except MalformedValue as malformed:
        raise InvalidInput(f"standard input: line 1 must be a valid {kind}: {malformed.reason}") from None


def _masked(number: int, person: Record) -> dict[str, object]:
    hints = [hint for found in person.hints.values() for hint in found]
    return {"entry": number, "role": person.role, "items": sorted(person.items), "hints": hints}


def _hints(person: Record) -> str:
    return ", ".join(hint for found in person.hints.values() for hint in found) or "no hints kept"


def _fields(one: DataSet) -> dict[str, object]:
    names = ("id", "incident", "kind", "state", "version", "rows", "people", "imported_at", "published_at")
    return {name: getattr(one, name) for name in names if getattr(one, name) is not None}


def _said_staged(staged: ImportResult, seconds: float, *, as_json: bool) -> None:
    fields = {
        "event": "staged",
        "id": staged.id,
        "rows": staged.rows,
        "people": staged.people,
        "rejected": len(staged.rejects),
        "unreachable": staged.unreachable,
        "shared_by_too_many": staged.ambiguous_identifiers,
        "canaries": staged.canaries,
        "seconds": round(seconds, 2),
    }
    text = (
        f"data set {staged.id} is staged: {staged.people:,} people in {staged.rows:,} rows, {len(staged.rejects):,} rows rejected, "
        f"{staged.unreachable:,} people without a usable identifier, {seconds:.1f} s"
    )
    if staged.canaries:
        text += f"; {staged.canaries:,} canaries planted besides"
    emit(fields, text, as_json=as_json)

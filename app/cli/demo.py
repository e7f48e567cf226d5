"""`exposure demo`: the whole service on an embedded database with synthetic people."""

import sys
import tempfile
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import JsonOption, emit
from app.cli.uvicorn_runner import run_server
from app.clock import system_clock
from app.config import Settings, load_settings
from app.crypto.key_files import KeyRing, create_key_file
from app.crypto.key_ratchet import epoch_of
from app.crypto.keys import ApplicationKey, Pepper, SigningKey
from app.crypto.ratchet_file import RatchetFile
from app.datasets import service as datasets
from app.datasets.signed_catalog import sign_as_is, signed_change
from app.db import Database
from app.db.upgrade import upgrade
from app.delivery import ConsoleSender
from app.importing import ImportOptions, NullListener
from app.incidents import service as incidents
from app.incidents.loader import load_incident
from app.keyholder import KeyholderSocket, import_socket_path, spawn_keyholder
from app.private_files import require_own
from app.source_files import write_source_file
from app.synthetic import SamplePerson, sample_people, synthesize

commands = typer.Typer(add_completion=False)

SAMPLE_INCIDENT = Path(incidents.__file__).with_name("sample.toml")
DEMO_SEED = 2025
DEMO_LIMITS = """\
[client]
unverified_codes = "100000/day"
unverified_codes_per_subnet = "100000/day"
[target]
codes = "100000/day"
codes_per_day = "100000/day"
wrong_codes = "100000/day"
"""
"""The four sample people are looked up repeatedly from one address, and no message leaves the machine, so the limits are wide."""


@commands.command()
def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="port to listen at; 0: any free port")] = 8000,
    accounts: Annotated[int, typer.Option(min=20, help="number of synthetic accounts")] = 1000,
    folder: Annotated[
        Path | None, typer.Option(help="keep the database here, and use it again; by default it is temporary")
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="restart when the code changes, and print tracebacks")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Run the service on an embedded database with synthetic people, and print four sample identifiers."""
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_own(folder, folder.stat(), forbidden_mode=0o022, remedy="others may write to it: chmod go-w")
    with tempfile.TemporaryDirectory(prefix="exposure-demo-") if folder is None else nullcontext(str(folder)) as name:
        _run_demo(Path(name).absolute(), port, accounts, reload=reload, as_json=json)


def _run_demo(folder: Path, port: int, accounts: int, *, reload: bool, as_json: bool) -> None:
    database = folder / "exposure.sqlite3"
    is_new = not database.exists()
    settings = load_settings(
        database_url=f"sqlite:///{database}",
        key_dir=folder,
        work_dir=folder,
        pepper_file=folder / "pepper.key",
        sender="console",
        replica_url=None,
        redis_url=None,
        keyholder=None,
        public_url=None,
        ratchet_dir=None,
        trusted_proxies=(),
        metrics_token=None,
    )
    if settings.limits_file is None:
        settings = settings.model_copy(update={"limits_file": folder / "limits.toml"})
        (folder / "limits.toml").write_text(DEMO_LIMITS)
    if is_new:
        _create_keys(folder)
    ratchet = RatchetFile(settings.ratchet_folder)
    if not ratchet.path.exists():  # an earlier version may have created the folder
        ratchet.create(epoch_of(system_clock()))
    with spawn_keyholder(folder / "pepper.key", KeyholderSocket.LOOKUP, KeyholderSocket.IMPORT) as keyholder_socket:
        if is_new:
            _import_synthetic_people(settings, accounts, keyholder_socket)
        else:
            _upgrade_schema(settings)
        run_server(
            settings,
            keyholder_socket,
            partial(ConsoleSender, as_json=as_json),
            host="127.0.0.1",
            port=port,
            as_json=as_json,
            on_ready=partial(_print_ready, accounts=accounts, as_json=as_json),
            is_development=reload,
        )


def _create_keys(folder: Path) -> None:
    keys = KeyRing(folder)
    create_key_file(keys.application_key_path, ApplicationKey.generate())
    create_key_file(keys.signing_key_path, SigningKey.generate())
    create_key_file(folder / "pepper.key", Pepper.generate())


def _upgrade_schema(settings: Settings) -> None:
    database = Database(settings.database_url)
    upgrade(database)
    with database.write() as db:
        sign_as_is(db, KeyRing(settings.key_dir).load_signing_key(), now=system_clock())
    database.close()


def _import_synthetic_people(settings: Settings, accounts: int, keyholder_socket: Path) -> None:
    """Generate people, import and publish them, as an operator does with `incident create`, `dataset import` and `dataset publish`."""
    from app.importing.pipeline import import_file  # noqa: PLC0415  imports Arrow, 50 MiB that a server does not need

    _upgrade_schema(settings)
    database = Database(settings.database_url)
    incident = load_incident(SAMPLE_INCIDENT)
    signing_key = KeyRing(settings.key_dir).load_signing_key()
    with database.write() as db, signed_change(db, signing_key, now=system_clock()):
        incidents.create_incident(db, incident, now=system_clock())
    source = settings.key_dir / "people.csv"
    write_source_file(source, synthesize(accounts, seed=DEMO_SEED))
    staged = import_file(
        ImportOptions(source, incident.slug, cost="minimal", workers=1),
        database=database,
        keys=KeyRing(settings.key_dir),
        import_socket=import_socket_path(keyholder_socket),
        work_dir=settings.work_dir,
        now=system_clock(),
        listener=NullListener(),
    )
    source.unlink()
    with database.write() as db, signed_change(db, signing_key, now=system_clock()):
        datasets.publish(db, staged.id, now=system_clock())
    database.close()


def _print_ready(url: str, *, accounts: int, as_json: bool) -> None:
    samples = sample_people(accounts, seed=DEMO_SEED)
    fields = {"event": "ready", "url": url, "samples": [_sample_fields(sample) for sample in samples]}
    lines = [
        f"Exposure Lookup answers at {url}",
        "All data is synthetic. The demo keeps its keys in one temporary folder with the database; a deployment refuses that.",
        "Look up one of these identifiers; the one-time code is printed here instead of sent:",
        *(
            f"  {sample.about}: {sample.channel} {sample.identifier}  ({sample.name}, {sample.address})"
            for sample in samples
        ),
    ]
    emit(fields, "\n".join(lines), as_json=as_json)
    sys.stdout.flush()


def _sample_fields(sample: SamplePerson) -> dict[str, object]:
    fields = asdict(sample)
    values = {name: fields.pop(name) for name in ("name", "address")}
    return fields | {"values": values}

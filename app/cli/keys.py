"""`exposure keys`."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import JsonOption, emit
from app.cli.resources import open_database
from app.clock import system_clock
from app.config import load_settings
from app.crypto.key_files import KeyRing, create_key_file
from app.crypto.key_ratchet import epoch_of
from app.crypto.keys import ApplicationKey, Key, Pepper, RatchetState, SigningKey
from app.crypto.ratchet_file import RatchetFile
from app.datasets.destruction import destroy_store_key
from app.datasets.service import list_all
from app.errors import InvalidInput

commands = typer.Typer(add_completion=False, help="Key files: one for each role.", no_args_is_help=True)


@commands.command("generate")
def generate(json: JsonOption = False) -> None:
    """Create the application key, the signing key, the key ratchet, and the pepper if EXPOSURE_PEPPER_FILE is set. Existing keys are kept."""
    settings = load_settings()
    keys, ratchet = KeyRing(settings.key_dir), RatchetFile(settings.ratchet_folder)
    required: list[tuple[Path, type[Key]]] = [
        (keys.application_key_path, ApplicationKey),
        (keys.signing_key_path, SigningKey),
        (ratchet.path, RatchetState),
    ]
    if settings.pepper_file is not None:
        required.append((settings.pepper_file, Pepper))
    for path, role in required:
        exists = path.exists()
        if not exists and role is RatchetState:
            ratchet.create(epoch_of(system_clock()))
        elif not exists:
            create_key_file(path, role.generate())
        outcome = "exists already" if exists else "created"
        emit({"role": role.role, "path": str(path), "made": not exists}, f"{role.role}: {path} {outcome}", as_json=json)


@commands.command("list")
def list_keys(json: JsonOption = False) -> None:
    """List the keys, and the data set of each store key."""
    settings = load_settings()
    keys = KeyRing(settings.key_dir)
    paths: list[tuple[Path, type[Key]]] = [
        (keys.application_key_path, ApplicationKey),
        (keys.signing_key_path, SigningKey),
        (RatchetFile(settings.ratchet_folder).path, RatchetState),
    ]
    for path, role in paths:
        if path.exists():
            emit({"role": role.role, "path": str(path)}, f"{role.role}: {path}", as_json=json)
    if not keys.list_store_key_ids():
        return
    with open_database(settings) as database, database.read() as db:
        datasets = {dataset.key_id: dataset for dataset in list_all(db) if dataset.state != "retired"}
    for key_id in keys.list_store_key_ids():
        dataset = datasets.get(key_id)
        fields = {"role": "store", "id": key_id, "path": str(keys.store_key_path(key_id))}
        user = f"data set {dataset.id}" if dataset else "no data set"
        emit(fields | ({"dataset": dataset.id} if dataset else {}), f"store {key_id}: used by {user}", as_json=json)


@commands.command("destroy")
def destroy(key: Annotated[str, typer.Argument(help="id of a store key")], json: JsonOption = False) -> None:
    """Destroy a store key that no data set uses. Everything sealed under it becomes unreadable, in backups too."""
    settings = load_settings()
    keys = KeyRing(settings.key_dir)
    if key not in keys.list_store_key_ids():
        raise InvalidInput("there is no store key of this id in EXPOSURE_KEY_DIR")
    with open_database(settings) as database:
        destroy_store_key(database, keys, key)
    emit({"event": "destroyed", "id": key}, f"store key {key} is destroyed", as_json=json)

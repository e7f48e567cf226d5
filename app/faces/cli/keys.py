"""`exposure keys`."""

from pathlib import Path
from typing import Annotated

import typer

from app.config import load_settings
from app.crypto.key_files import KeyRing, create_key_file
from app.crypto.keys import ApplicationKey, Key, Pepper, SigningKey
from app.datasets import list_all
from app.errors import InvalidInput, OperationRefused
from app.faces.cli.resources import open_database
from app.faces.cli.output import JsonOption, emit

commands = typer.Typer(help="Key files: one for each role.", no_args_is_help=True)


@commands.command("generate")
def generate(json: JsonOption = False) -> None:
    """Make the application secret and the signing key, and the pepper where EXPOSURE_PEPPER_FILE is set. None is ever overwritten."""
    settings = load_settings()
    keys = KeyRing(settings.key_dir)
    wanted: list[tuple[Path, type[Key]]] = [(keys.application_key_path, ApplicationKey), (keys.signing_key_path, SigningKey)]
    if settings.pepper_file is not None:
        wanted.append((settings.pepper_file, Pepper))
    for path, role in wanted:
        there = path.exists()
        if not there:
            create_key_file(path, role.generate())
        said = "is there already" if there else "made"
        emit({"role": role.role, "path": str(path), "made": not there}, f"{role.role}: {path} {said}", as_json=json)


@commands.command("list")
def list_keys(json: JsonOption = False) -> None:
    """Name the keys that are there, and what each store key serves."""
    settings = load_settings()
    keys = KeyRing(settings.key_dir)
    for path, role in ((keys.application_key_path, ApplicationKey), (keys.signing_key_path, SigningKey)):
        if path.exists():
            emit({"role": role.role, "path": str(path)}, f"{role.role}: {path}", as_json=json)
    if not keys.list_store_key_ids():
        return
    with open_database(settings) as database, database.read() as session:
        serves = {one.key_id: one for one in list_all(session) if one.state != "retired"}
    for key_id in keys.list_store_key_ids():
        one = serves.get(key_id)
        fields = {"role": "store", "id": key_id, "path": str(keys.store_key_path(key_id))}
        said = f"data set {one.id}" if one else "no data set"
        emit(fields | ({"dataset": one.id} if one else {}), f"store {key_id}: serves {said}", as_json=json)


@commands.command("destroy")
def destroy(key: Annotated[str, typer.Argument(help="id of a store key")], json: JsonOption = False) -> None:
    """Destroy a store key that no data set uses any more. What it sealed, in every backup, is unreadable from then on."""
    settings = load_settings()
    keys = KeyRing(settings.key_dir)
    if key not in keys.list_store_key_ids():
        raise InvalidInput("there is no store key of this id in EXPOSURE_KEY_DIR")
    with open_database(settings) as database, database.read() as session:
        for one in list_all(session):
            if one.key_id == key and one.state != "retired":
                raise OperationRefused(f"store key {key} serves data set {one.id}: retire that first")
    keys.destroy_store_key(key)
    emit({"event": "destroyed", "id": key}, f"store key {key} is destroyed", as_json=json)

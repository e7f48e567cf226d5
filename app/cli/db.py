"""`exposure db`."""

from typing import Annotated

import typer

from app.cli.output import JsonOption, emit
from app.cli.resources import open_database, open_keys
from app.clock import system_clock
from app.config import load_settings
from app.datasets.signed_catalog import sign_as_is
from app.db import Database
from app.db.roles import Roles
from app.db.upgrade import upgrade

commands = typer.Typer(add_completion=False, help="Database schema, roles and signature.", no_args_is_help=True)


@commands.command("upgrade")
def upgrade_schema(
    server_role: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="PostgreSQL role of `serve`: grant it what the server needs, no more"),
    ] = None,
    import_role: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="PostgreSQL role of `incident` and `dataset`: grant it what they need, no more"
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Upgrade the schema to the newest revision, and grant the roles their privileges."""
    database = Database(load_settings().database_url)
    try:
        if database.restrict_files():
            emit({"event": "restricted"}, "the database's files were accessible to others: mode 0600 now", as_json=json)
        upgrade(database, Roles(server=server_role, importer=import_role))
    finally:
        database.close()
    emit({"event": "upgraded"}, "the schema is up to date", as_json=json)


@commands.command("sign")
def sign(
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="sign also what was changed without the signing key")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Sign the catalogue (incidents, notices, data sets), once after an upgrade from a version that did not sign it."""
    settings = load_settings()
    with open_database(settings) as database:
        signing_key = open_keys(settings, database).load_signing_key()
        with database.write() as db:
            is_new = sign_as_is(db, signing_key, now=system_clock(), accept_changes=accept_changes)
    text = "the catalogue is signed" if is_new else "the catalogue was signed already, and agrees with its signature"
    emit({"event": "signed", "changed": is_new}, text, as_json=json)

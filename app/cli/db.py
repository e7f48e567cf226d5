"""`exposure db`."""

from typing import Annotated

import typer

from app.cli.output import JsonOption, emit
from app.config import load_settings
from app.db import Database
from app.db.roles import Roles
from app.db.upgrade import upgrade

commands = typer.Typer(add_completion=False, help="Database schema.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Make `upgrade` a subcommand: Typer merges a single command into its group."""


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

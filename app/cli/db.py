"""`exposure db`."""

import typer

from app.cli.output import JsonOption, emit
from app.config import load_settings
from app.db import Database
from app.db.upgrade import upgrade

commands = typer.Typer(add_completion=False, help="Database schema.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Make `upgrade` a subcommand: Typer merges a single command into its group."""


@commands.command("upgrade")
def upgrade_schema(json: JsonOption = False) -> None:
    """Upgrade the schema to the newest revision."""
    database = Database(load_settings().database_url)
    try:
        if database.restrict_files():
            emit({"event": "restricted"}, "the database's files were accessible to others: mode 0600 now", as_json=json)
        upgrade(database)
    finally:
        database.close()
    emit({"event": "upgraded"}, "the schema is up to date", as_json=json)

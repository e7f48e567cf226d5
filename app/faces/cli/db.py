"""`exposure db`."""

import typer

from app.config import load_settings
from app.db import Database
from app.db.upgrade import upgrade
from app.faces.cli.output import JsonOption, emit

commands = typer.Typer(help="The database.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Keep `upgrade` a word of its own."""


@commands.command("upgrade")
def upgrade_schema(json: JsonOption = False) -> None:
    """Bring the schema to the newest revision."""
    database = Database(load_settings().database_url)
    try:
        upgrade(database)
    finally:
        database.close()
    emit({"event": "upgraded"}, "the schema is the newest", as_json=json)

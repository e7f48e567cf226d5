"""The command `exposure`: one file for each group of words. Exit codes: 0 done, 2 wrong use or bad input, 1 anything else."""

import signal
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from app.errors import InvalidInput, ExposureError, NotFound, OperationRefused
from app.faces.cli import dataset, db, incident, keys, receipt
from app.faces.cli.calibrate import calibrate
from app.faces.cli.demo import demo
from app.faces.cli.keyholder import keyholder
from app.faces.cli.serve import serve
from app.faces.cli.uvicorn_runner import CreateApp


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  the base class's own signature
        """Turn what went wrong into one line and an exit code."""
        try:
            return super().invoke(ctx)
        except (InvalidInput, OperationRefused, NotFound) as error:
            _fail(str(error), 2)
        except ExposureError as error:
            _fail(str(error), 1)


def _fail(line: str, code: int) -> None:
    sys.stderr.write(line + "\n")
    raise typer.Exit(code)


commands = typer.Typer(
    cls=_Commands,
    help="What of mine leaked, and what do I do now? The service, and what its operators do.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
commands.command("demo")(demo)
commands.command("serve")(serve)
commands.command("keyholder")(keyholder)
commands.command("calibrate")(calibrate)
commands.add_typer(db.commands, name="db")
commands.add_typer(keys.commands, name="keys")
commands.add_typer(incident.commands, name="incident")
commands.add_typer(dataset.commands, name="dataset")
commands.add_typer(receipt.commands, name="receipt")


@commands.callback()
def _root() -> None:
    """Take no options of its own."""


def run_command_line(create_app: CreateApp) -> None:
    """Run the command line, with the application's builder handed down to those who serve."""
    signal.signal(signal.SIGTERM, _terminate)
    commands(obj=create_app)


def _terminate(number: int, _: object) -> None:
    """Unwind when told to end, so that children end and temporary folders, with keys in them, are gone."""
    raise SystemExit(128 + number)

"""The command line `exposure`: one file for each command group. Exit codes: 0 success, 2 wrong use or bad input, 1 any other error."""

import signal
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from app.errors import ExposureError, InvalidInput, NotFound, OperationRefused
from app.faces.cli import dataset, db, incident, keys, receipt
from app.faces.cli.calibrate import calibrate
from app.faces.cli.demo import demo
from app.faces.cli.keyholder import keyholder
from app.faces.cli.serve import serve
from app.faces.cli.uvicorn_runner import CreateApp


class _ErrorReportingGroup(TyperGroup):
    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  the base class's own signature
        """Run a command, and report an error as one line and an exit code."""
        try:
            return super().invoke(ctx)
        except (InvalidInput, OperationRefused, NotFound) as error:
            _exit_with_error(str(error), 2)
        except ExposureError as error:
            _exit_with_error(str(error), 1)


def _exit_with_error(line: str, code: int) -> None:
    sys.stderr.write(line + "\n")
    raise typer.Exit(code)


commands = typer.Typer(
    cls=_ErrorReportingGroup,
    help="Exposure Lookup: run the service, and operate it.",
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
    """Define the root command; it has no options."""


def run_command_line(create_app: CreateApp) -> None:
    """Run the command line. *create_app* builds the application for the commands that serve."""
    signal.signal(signal.SIGTERM, _terminate)
    commands(obj=create_app)


def _terminate(number: int, _: object) -> None:
    """Unwind the stack on SIGTERM, so that child processes end and temporary folders, which contain keys, are deleted."""
    raise SystemExit(128 + number)

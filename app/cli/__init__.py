"""The command line `exposure`: one file for each command group. Exit codes: 0 success, 2 wrong use or bad input, 1 any other error."""

import signal
import sys
from importlib.metadata import version
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import typer

from app.cli.lazy import LazyCommand, LazyGroup
from app.cli.output import escape_control
from app.errors import ExposureError, InvalidInput, NotFound, OperationRefused


class RootGroup(LazyGroup):
    """The commands of `exposure`, and how they report errors."""

    LAZY_COMMANDS: ClassVar = MappingProxyType(
        {
            "demo": LazyCommand("app.cli.demo", "Run the service on an embedded database with synthetic people."),
            "serve": LazyCommand("app.cli.serve", "Run the server on EXPOSURE_DATABASE_URL."),
            "keyholder": LazyCommand("app.cli.keyholder", "Run the keyholder."),
            "calibrate": LazyCommand("app.cli.calibrate", "Measure this machine for ten seconds."),
            "db": LazyCommand("app.cli.db", "Database schema."),
            "keys": LazyCommand("app.cli.keys", "Key files."),
            "incident": LazyCommand("app.cli.incident", "Incidents and their notices."),
            "dataset": LazyCommand("app.cli.dataset", "Data sets: import, publish, roll back, retire, verify."),
            "receipt": LazyCommand("app.cli.receipt", "Receipts of acknowledgements."),
        }
    )

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  the base class's own signature
        """Run a command, and report an error as one line and an exit code."""
        try:
            return super().invoke(ctx)
        except (InvalidInput, OperationRefused, NotFound) as error:
            _exit_with_error(str(error), 2)
        except ExposureError as error:
            _exit_with_error(str(error), 1)


def _exit_with_error(line: str, code: int) -> None:
    sys.stderr.write(escape_control(line) + "\n")  # a file's name is part of some lines
    raise typer.Exit(code)


commands = typer.Typer(
    cls=RootGroup,
    help="Exposure Lookup: run the service, and operate it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        sys.stdout.write(version("exposure-lookup") + "\n")
        raise typer.Exit


@commands.callback()
def _define_root(
    _version: Annotated[
        bool, typer.Option("--version", help="print the version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Define the options of the root command."""


def run_command_line() -> None:
    """Run the command line."""
    signal.signal(signal.SIGTERM, _terminate)
    commands(prog_name="exposure")


def _terminate(number: int, _: object) -> None:
    """Unwind the stack on SIGTERM, so that child processes end and temporary folders, which contain keys, are deleted."""
    raise SystemExit(128 + number)

"""A command group that imports a command when it runs, so that `exposure --help` does not load the server."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A module that defines a command or a group as `commands`, and the line of help that lists it."""

    module: str
    help: str


class LazyGroup(TyperGroup):
    """Finds its commands in `LAZY_COMMANDS`. Listing them imports nothing."""

    LAZY_COMMANDS: ClassVar[Mapping[str, LazyCommand]] = {}

    _is_listing = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401  the base class's signature
        """Return the names of all commands."""
        return [*self.LAZY_COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401  the base class's signature
        """Return a command, or None if there is none of this name."""
        lazy = self.LAZY_COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        if self._is_listing:
            return TyperCommand(cmd_name, help=lazy.help)
        application: typer.Typer = import_module(lazy.module).commands
        command = get_command(application)
        command.name = cmd_name
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  the base class's signature
        """Write the help page from the lines of `LAZY_COMMANDS`."""
        self._is_listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._is_listing = False

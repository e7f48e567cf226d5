"""The root command: help that imports no server, the version, and one line of help for each command."""

import subprocess
import sys
from importlib import import_module

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from app.cli import RootGroup, commands


def test_help_lists_every_command_and_imports_no_server() -> None:
    check = (
        "import sys; from typer.testing import CliRunner; from app.cli import commands;"
        "result = CliRunner().invoke(commands, ['--help']); print(result.output);"
        "assert result.exit_code == 0;"
        "loaded = {'fastapi', 'sqlalchemy', 'alembic', 'httpx', 'pyarrow', 'app.cli.serve'} & sys.modules.keys();"
        "assert not loaded, loaded"
    )
    output = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout
    for name, command in RootGroup.LAZY_COMMANDS.items():
        assert name in output
        assert command.help in output


@pytest.mark.parametrize("name", ["keyholder", "receipt", "calibrate"])
def test_a_command_does_not_load_the_server(name: str) -> None:
    check = (
        f"import sys; import {RootGroup.LAZY_COMMANDS[name].module};"
        "loaded = {'fastapi', 'app.bootstrap', 'alembic'} & sys.modules.keys(); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


@pytest.mark.parametrize("name", RootGroup.LAZY_COMMANDS)
def test_the_listed_help_is_how_the_commands_own_help_begins(name: str) -> None:
    lazy = RootGroup.LAZY_COMMANDS[name]
    own = get_command(import_module(lazy.module).commands).help or ""
    assert own.startswith(lazy.help.removesuffix("."))


def test_version() -> None:
    result = CliRunner().invoke(commands, ["--version"])
    assert (result.exit_code, result.stdout) == (0, "0.2.0\n")


def test_an_unknown_command_is_wrong_use() -> None:
    assert CliRunner().invoke(commands, ["sesame"]).exit_code == 2

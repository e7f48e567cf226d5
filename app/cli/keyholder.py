"""`exposure keyholder`."""

from pathlib import Path
from typing import Annotated, cast

import typer

from app.cli.output import JsonOption, emit
from app.config import load_settings, require_setting
from app.keyholder import import_socket_path, serve

commands = typer.Typer(add_completion=False)


@commands.command()
def keyholder(
    socket: Annotated[Path, typer.Option(help="path of the lookup socket to create; the import socket is PATH.import")],
    json: JsonOption = False,
) -> None:
    """Run the keyholder: load the pepper of EXPOSURE_PEPPER_FILE and answer at a Unix socket."""
    pepper_file = cast("Path", require_setting(load_settings(), "pepper_file"))

    def ready() -> None:
        fields = {"event": "ready", "socket": str(socket), "import": str(import_socket_path(socket))}
        emit(fields, f"the keyholder listens at {socket}", as_json=json)

    serve(socket, pepper_file, on_ready=ready)

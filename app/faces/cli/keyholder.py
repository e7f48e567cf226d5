"""`exposure keyholder`."""

from pathlib import Path
from typing import Annotated, cast

import typer

from app.config import load_settings, require_setting
from app.faces.cli.output import JsonOption, emit
from app.keyholder import import_socket_path, serve


def keyholder(
    socket: Annotated[Path, typer.Option(help="where the lookup door is made; the import door is PATH.import")],
    json: JsonOption = False,
) -> None:
    """Hold the pepper of EXPOSURE_PEPPER_FILE in this process, and answer at a socket."""
    pepper_file = cast("Path", require_setting(load_settings(), "pepper_file"))

    def ready() -> None:
        fields = {"event": "ready", "socket": str(socket), "import": str(import_socket_path(socket))}
        emit(fields, f"the keyholder answers at {socket}", as_json=json)

    serve(socket, pepper_file, on_ready=ready)

"""The child's side of `child`: PATH PEPPER_FILE DOOR…; ends when its standard input does."""

import os
import sys
import threading
from pathlib import Path

from app.errors import ExposureError
from app.keyholder.protocol import KeyholderSocket
from app.keyholder.server import serve


def _end_with_parent() -> None:
    while os.read(0, 1):  # not sys.stdin: a thread inside its lock would keep the process from ending in one line
        pass
    os._exit(0)


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        serve(Path(sys.argv[1]), Path(sys.argv[2]), tuple(map(KeyholderSocket, sys.argv[3:])), on_ready=_ready)
    except ExposureError as error:
        sys.exit(str(error))

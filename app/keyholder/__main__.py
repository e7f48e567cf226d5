"""Entry point of the process that `child_process` starts. Arguments: PATH PEPPER_FILE SOCKET…; ends when its standard input is closed."""

import os
import sys
import threading
from pathlib import Path

from app.errors import ExposureError
from app.keyholder.protocol import KeyholderSocket
from app.keyholder.server import serve


def _exit_with_parent() -> None:
    while os.read(0, 1):  # not sys.stdin: at exit the interpreter would fail on the lock that this thread holds
        pass
    os._exit(0)


def _report_ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    try:
        serve(Path(sys.argv[1]), Path(sys.argv[2]), tuple(map(KeyholderSocket, sys.argv[3:])), on_ready=_report_ready)
    except ExposureError as error:
        sys.exit(str(error))

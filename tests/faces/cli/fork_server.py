"""A process that has loaded the program and forks for each command, so that a command does not spend seconds on imports.

Reads one JSON object a line: `arguments`, `environment`, `folder`, and the files `stdin`, `stdout`, `stderr`. Prints the exit code of each command.
"""

import json
import os
import signal
import sys
from typing import Any

from app.main import main

COMMAND_TIMEOUT_SECONDS = 60
"""A command that takes longer is killed."""


def _set_up_child(request: dict[str, Any]) -> None:
    signal.alarm(COMMAND_TIMEOUT_SECONDS)
    for descriptor, (name, mode) in enumerate(
        (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY), ("stderr", os.O_WRONLY))
    ):
        os.dup2(os.open(str(request[name]), mode), descriptor)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  standard input stays open
    os.chdir(str(request["folder"]))
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.modules["__main__"].__package__ = None  # otherwise Typer names the program as a module in its help
    sys.argv = list(request["arguments"])


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _set_up_child(json.loads(line))
            main()
            sys.exit()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()

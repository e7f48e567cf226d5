"""A process that has the program loaded and forks for each command: a real process each, without the seconds that loading takes.

Reads one JSON object a line: `arguments`, `environment`, `folder`, and the files `stdin`, `stdout`, `stderr`; answers each with an exit code.
"""

import json
import os
import signal
import sys

from app.main import main

PATIENCE = 60
"""Seconds after which a command that should have ended is killed."""


def _become(order: dict[str, object]) -> None:
    signal.alarm(PATIENCE)
    for number, (name, mode) in enumerate((("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY), ("stderr", os.O_WRONLY))):
        os.dup2(os.open(str(order[name]), mode), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  the file that is standard input now
    os.chdir(str(order["folder"]))
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    sys.modules["__main__"].__package__ = None  # else Typer takes the program for a module
    sys.argv = list(order["arguments"])  # type: ignore[call-overload]


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(json.loads(line))
            sys.exit(main())
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()

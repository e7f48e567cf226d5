"""Advance a ratchet file, and die before one of the system calls: FOLDER EPOCH CALL. Run by test_ratchet_file.py."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.crypto.ratchet_file import RatchetFile

folder, epoch, fatal_call = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
calls = 0


def die_at_the_fatal_call() -> None:
    global calls  # noqa: PLW0603
    if calls == fatal_call:
        os.kill(os.getpid(), signal.SIGKILL)
    calls += 1


def counted(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        die_at_the_fatal_call()
        return function(*arguments, **options)

    return call


for name in ("open", "fdopen", "fsync", "fchmod", "fstat", "replace", "rename", "unlink", "urandom", "close"):
    setattr(os, name, counted(getattr(os, name)))
RatchetFile(folder).advance_to(epoch)

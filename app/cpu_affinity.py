"""On which of the machine's cores a server's threads run.

Python works on one request at a time, so the threads of a server hand the interpreter to each other several times in each. Spread over cores, each
is woken on another core than the one that woke it, and nobody works meanwhile: measured, that took as long again as the work. So a server process
keeps to one core, each to its own (decision 0023). Argon2id needs no interpreter and roams.
"""

import os
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

_CLAIM = "\0exposure-lookup/core/"


@dataclass(frozen=True, slots=True)
class _Home:
    core: int
    before: frozenset[int]
    """The cores that this process might use."""
    claim: socket.socket
    """Open for as long as the process lives: the system ends the claim with it, however it ends."""


_home: _Home | None = None


def pin_to_core() -> int | None:
    """Keep this thread, and those that it starts from now on, to one core that no other server keeps to.

    Returns:
        The core; None where none is to be had, or where the system lets nobody choose: then the threads run as before.
    """
    global _home  # noqa: PLW0603  of a process there is one
    if sys.platform != "linux":
        return None
    before = frozenset(os.sched_getaffinity(0))
    for core in sorted(before, reverse=True):  # from the last: the system's own work is rather on the first
        if (claim := _claimed(core)) is not None:
            _run_on({core})
            _home = _Home(core, before, claim)
            return core
    return None


def unpin_thread() -> None:
    """Let this thread run anywhere: it is about to work without the interpreter."""
    if _home is not None:
        _run_on(_home.before)


def repin_thread() -> None:
    """Bring this thread back, where the process has settled."""
    if _home is not None:
        _run_on({_home.core})


def _run_on(wanted: Iterable[int]) -> None:
    with suppress(OSError):  # a container's cores may be others by now: then the system has chosen, and no call fails
        os.sched_setaffinity(0, wanted)


def _claimed(core: int) -> socket.socket | None:
    """Take the name that stands for a core, where it is free: an abstract one, which leaves no file behind."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"{_CLAIM}{core}")
    except OSError:
        claim.close()
        return None
    return claim

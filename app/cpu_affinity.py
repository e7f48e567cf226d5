"""Pin a server's threads to one CPU core.

Python runs one thread at a time, so the threads of a server pass the interpreter lock to each other several times per request. Spread over cores,
each thread is woken on another core than the one that woke it, and no work is done meanwhile: measured, this took as long as the work itself.
Each server process therefore pins its threads to a core of its own (decision 0023). Argon2id releases the lock and runs on any core.
"""

import os
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

_CLAIM_PREFIX = "\0exposure-lookup/core/"


@dataclass(frozen=True, slots=True)
class _PinnedCore:
    core: int
    allowed_cores: frozenset[int]
    """Cores that the process could use before it was pinned."""
    claim: socket.socket
    """Open while the process lives. The system releases the claim with the process, however it ends."""


_pinned: _PinnedCore | None = None


def pin_to_core() -> int | None:
    """Pin this thread, and threads that it starts later, to a core that no other server has claimed.

    Returns:
        The core. None if all cores are claimed or the system does not support affinity: the threads then run as before.
    """
    global _pinned  # noqa: PLW0603  the state of the process
    if sys.platform != "linux":
        return None
    allowed_cores = frozenset(os.sched_getaffinity(0))
    for core in sorted(allowed_cores, reverse=True):  # from the last: the system's own work is mostly on the first
        if (claim := _claim_core(core)) is not None:
            _set_affinity({core})
            _pinned = _PinnedCore(core, allowed_cores, claim)
            return core
    return None


def unpin_thread() -> None:
    """Let this thread run on any core, before work that releases the interpreter lock."""
    if _pinned is not None:
        _set_affinity(_pinned.allowed_cores)


def repin_thread() -> None:
    """Pin this thread again, if the process is pinned."""
    if _pinned is not None:
        _set_affinity({_pinned.core})


def _set_affinity(cores: Iterable[int]) -> None:
    with suppress(OSError):  # a container's cores may have changed: the system then chooses, and no call may fail
        os.sched_setaffinity(0, cores)


def _claim_core(core: int) -> socket.socket | None:
    """Claim a core by binding an abstract Unix socket, which leaves no file behind. Return None if another process holds the claim."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"{_CLAIM_PREFIX}{core}")
    except OSError:
        claim.close()
        return None
    return claim

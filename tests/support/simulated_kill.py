"""A process that is killed at some place, simulated within the test's process."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


class SimulatedKill(BaseException):
    """Raised where the process is supposed to be killed."""


@contextmanager
def killed_at(target: str, *, without: str | None = None) -> Iterator[None]:
    """Raise `SimulatedKill` where the block calls *target*, and expect that it ends the block.

    Args:
        target: dotted name of a function.
        without: dotted name of a function that does nothing meanwhile, such as the clean-up that a killed process cannot do.
    """

    def raise_kill(*_: object, **__: object) -> None:
        raise SimulatedKill

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(target, raise_kill)
        if without is not None:
            patched.setattr(without, lambda *_: None)
        with pytest.raises(SimulatedKill):
            yield

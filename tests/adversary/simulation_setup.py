"""Setting a world up: a real application on loopback behind a trusted test proxy, whose whole time is moved."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from app.rate_limits import RequestLimiter, load_policy
from tests.adversary.people import Person, rows, toss
from tests.adversary.simulation import World
from tests.support.deployment import Deployment
from tests.support.running_server import running_server

OWN = 20
"""Identifiers that the adversary can prove: his own."""


@contextmanager
def world(folder: Path, database_url: str, keyholder_socket: Path, people: int, rng: Random, **settings: Any) -> Iterator[World]:
    """Set one up.

    Args:
        folder: for what it writes.
        database_url: of an empty database on the newest schema.
        door: the keyholder's.
        people: how many there are to ask about.
        rng: tosses who is affected.
        settings: of the application that differ; `limits_file` None is the defaults.
    """
    given = {"limits_file": None, "trusted_proxies": ("127.0.0.1",), "log_level": "error"} | settings
    with ExitStack() as stack:
        deployment = Deployment(folder, database_url, keyholder_socket, **given)
        stack.callback(deployment.close)
        crowd = toss(people, rng)
        own = [Person(people + number, number % 4 < 2) for number in range(OWN)]
        deployment.import_and_publish(rows([*crowd, *own]))
        _move_all_time(stack, lambda: deployment.clock().timestamp())
        stack.enter_context(patch("app.rate_limits.proof_of_work.ITERATIONS", 1))  # computing costs an adversary nothing here
        refusals: Counter[str] = Counter()
        stack.enter_context(patch("app.rate_limits.DeferredDenials.record", lambda _, budget: refusals.update([budget])))
        _keep_calls_in_this_process(deployment, refusals)
        client = stack.enter_context(running_server(deployment.app))
        made = stack.enter_context(closing(World(deployment, int(client.base_url.port or 0), crowd, own)))
        made.refusals = refusals
        yield made


def _move_all_time(stack: ExitStack, seconds: Callable[[], float]) -> None:
    """Have the windows of calls go by the clock that is moved, which they cannot be handed: `limits` knows none."""
    for module in ("windows", "request_limiter"):
        stack.enter_context(patch(f"app.rate_limits.{module}.time", seconds))


def _keep_calls_in_this_process(deployment: Deployment, refusals: Counter[str]) -> None:
    """Where budgets lie in a store, keep the windows of calls here: there they end by the store's own clock, which nobody moves."""
    app = deployment.app
    if deployment.settings.redis_url:
        limiter = RequestLimiter(
            load_policy(deployment.settings.limits_file), refused=lambda budget: refusals.update([budget])
        )
        app.state.services = replace(app.state.services, limiter=limiter)

"""Sets up a simulation: a real application on loopback behind a trusted test proxy, with a clock that the simulation moves."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from app.http.rate_limit.request_limiter import RequestLimiter
from app.rate_limits import load_policy
from simulation.people import Person, create_people, data_set_rows
from simulation.run import Simulation
from tests.support.deployment import Deployment
from tests.support.running_server import running_server

ATTACKER_PEOPLE_COUNT = 20
"""People whose identifiers the attacker can verify."""


@contextmanager
def open_simulation(
    folder: Path, database_url: str, keyholder_socket: Path, people_count: int, rng: Random, **settings: Any
) -> Iterator[Simulation]:
    """Set up a simulation.

    Args:
        folder: for its files.
        database_url: of an empty database on the newest schema.
        keyholder_socket: the keyholder's lookup socket.
        people_count: how many people there are to ask about.
        rng: decides who is affected.
        settings: of the application, to override. `limits_file` None means the default limits.
    """
    all_settings = {"limits_file": None, "trusted_proxies": ("127.0.0.1",), "log_level": "error"} | settings
    with ExitStack() as stack:
        deployment = Deployment(folder, database_url, keyholder_socket, **all_settings)
        stack.callback(deployment.close)
        people = create_people(people_count, rng)
        attacker_people = [Person(people_count + index, index % 4 < 2) for index in range(ATTACKER_PEOPLE_COUNT)]
        deployment.import_and_publish(data_set_rows([*people, *attacker_people]))
        _patch_window_clocks(stack, lambda: deployment.clock().timestamp())
        # computing costs this attacker nothing
        stack.enter_context(patch("app.rate_limits.proof_of_work.ITERATIONS", 1))
        denials: Counter[str] = Counter()
        stack.enter_context(
            patch("app.rate_limits.DeferredDenials.record", lambda _, limit_name: denials.update([limit_name]))
        )
        _count_requests_in_this_process(deployment, denials)
        client = stack.enter_context(running_server(deployment.app))
        port = int(client.base_url.port or 0)
        simulation = stack.enter_context(closing(Simulation(deployment, port, people, attacker_people)))
        simulation.denials = denials
        yield simulation


def _patch_window_clocks(stack: ExitStack, seconds: Callable[[], float]) -> None:
    """Make request windows use the simulated clock. They cannot be passed one: the `limits` library has no clock parameter."""
    for module in ("windows", "request_limiter"):
        stack.enter_context(patch(f"app.http.rate_limit.{module}.time", seconds))


def _count_requests_in_this_process(deployment: Deployment, denials: Counter[str]) -> None:
    """Count request windows in this process even if buckets are in Redis, where windows expire by Redis' own clock."""
    app = deployment.app
    if deployment.settings.redis_url:
        limiter = RequestLimiter(
            load_policy(deployment.settings.limits_file),
            deployment.keys.load_application_key().subkey("limits"),
            on_denied=lambda limit_name: denials.update([limit_name]),
        )
        app.state.services = replace(app.state.services, request_limiter=limiter)

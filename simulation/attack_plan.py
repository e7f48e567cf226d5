"""The attacker's strategies, and the share of all calls that each of them gets."""

from collections.abc import Iterator
from itertools import cycle
from random import Random

from simulation.code_guessing import guess_codes, reuse_invalid_codes
from simulation.enumeration import enumerate_people
from simulation.observations import ObservationLog
from simulation.people import CARRIER_ADDRESS, Person, attacker_addresses
from simulation.proxy_client import Script
from simulation.run import DEFAULT_CALL_INTERVAL, Participant, Simulation
from simulation.session_sharing import share_session
from simulation.sms_pumping import pump_messages

HOUR_SECONDS, DAY_SECONDS = 3600.0, 86400.0
STRATEGIES: dict[str, tuple[float, float | None]] = {
    "sequential": (0.15, HOUR_SECONDS),
    "random": (0.15, HOUR_SECONDS),
    "sprayed": (0.15, HOUR_SECONDS),
    "slow": (0.16, DAY_SECONDS),
    "guessing": (0.2, HOUR_SECONDS),
    "stale": (0.01, None),
    "sharing": (0.08, HOUR_SECONDS),
    "pumping": (0.1, HOUR_SECONDS),
}
"""The share of all calls, and how many seconds they are spread over; None if the strategy is paced by the delivery of codes."""


def create_attack(
    simulation: Simulation, log: ObservationLog, call_count: int, rng: Random, *, only: str | None = None
) -> list[Participant]:
    """Create the participants of a whole attack.

    Args:
        simulation: that is attacked.
        log: records what the attacker observes.
        call_count: calls in total.
        rng: chooses targets and addresses.
        only: the strategy that all calls are spent on, in an hour.
    """
    plan = STRATEGIES if only is None else {only: (1.0, HOUR_SECONDS)}
    participants = []
    for name, (share, duration) in plan.items():
        calls = round(call_count * share)
        interval = duration / calls if duration else DEFAULT_CALL_INTERVAL
        script = _create_script(name, simulation, log, rng)
        participants.append(Participant(name, script, call_interval=interval, max_calls=calls))
    return participants


def _create_script(strategy: str, simulation: Simulation, log: ObservationLog, rng: Random) -> Script:
    people, addresses = list(simulation.people), attacker_addresses(rng)
    shuffled = rng.sample(people, len(people))
    match strategy:
        case "sequential":
            return enumerate_people(simulation, cycle(people), addresses, log, keep_address=True)
        case "random":
            random_people: Iterator[Person] = iter(lambda: rng.choice(people), None)
            return enumerate_people(simulation, random_people, addresses, log)
        case "sprayed":
            return enumerate_people(simulation, cycle(shuffled), addresses, log, alternate_email=True)
        case "slow":
            return enumerate_people(simulation, cycle(shuffled), addresses, log)
        case "guessing":
            return guess_codes(simulation, log, addresses, rng)
        case "stale":
            return reuse_invalid_codes(simulation, log, addresses, rng)
        case "sharing":
            return share_session(simulation, log, addresses, rng)
        case _:
            return pump_messages(simulation, log, addresses)


def create_noisy_neighbour(simulation: Simulation, log: ObservationLog, call_count: int, rng: Random) -> Participant:
    """Create an enumerator that shares the carrier's address with half of the honest users, for an hour."""
    people = rng.sample(list(simulation.people), len(simulation.people))
    script = enumerate_people(simulation, cycle(people), cycle([CARRIER_ADDRESS]), log)
    return Participant("neighbour", script, call_interval=HOUR_SECONDS / call_count, max_calls=call_count)

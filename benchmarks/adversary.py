"""A whole attack and a crowd of honest people, on loopback: what the adversary learned, what he had sent, who was refused.

    python -m benchmarks.adversary [--tries N] [--honest N] [--people N] [--seed S] [--only STRATEGY] [--neighbour N] [--json FILE]

An hour of attack and a day of its slow part pass in minutes; `tests/adversary` has what is tried, and runs a small one among the tests.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from app.crypto.key_files import create_key_file
from app.crypto.keys import Pepper
from app.db import Database
from app.db.upgrade import upgrade
from app.keyholder import KeyholderSocket, spawn_keyholder
from app.rate_limits import RateLimitPolicy
from benchmarks.table import TableRow, value_row, print_table
from tests.adversary.attack_plan import HOUR, STRATEGIES, attack, neighbour
from tests.adversary.honest_users import Tally, Walk, crowd
from tests.adversary.observations import Ledger
from tests.adversary.report import Report, report, waits
from tests.adversary.simulation_setup import world
from tests.adversary.simulation import Part, World

MEMORY = Path("/dev/shm")  # noqa: S108  nothing of it is to outlive the run
VICTIM = "100.127.0.9"


@dataclass(frozen=True, slots=True)
class Options:
    """How much is tried."""

    tries: int
    honest: int
    people: int
    seed: int
    only: str | None
    neighbour: int


def run(options: Options) -> Report:
    """Attack for an hour, while honest people come, and slowly for a day."""
    rng = Random(options.seed)
    with _world(options, rng) as there:
        ledger, tally, victim = Ledger(), Tally(), Tally()
        parts = attack(there, ledger, options.tries, rng, only=options.only)
        if options.neighbour:
            parts.append(neighbour(there, ledger, options.neighbour, rng))
        people = crowd(there, tally, ledger, options.honest, rng, within=HOUR)
        hit = Walk(there, there.victim, VICTIM, victim, ledger, rng)
        there.run([*parts, *people, Part("victim", hit.journey(), begins=HOUR / 2)])
        return report(there, ledger, parts, tally, victim, RateLimitPolicy())


@contextmanager
def _world(options: Options, rng: Random) -> Iterator[World]:
    with TemporaryDirectory(prefix="exposure-adversary-", dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        database, pepper = Database(f"sqlite:///{folder}/exposure.sqlite3"), folder / "pepper" / "pepper.key"
        upgrade(database)
        database.close()
        pepper.parent.mkdir()
        create_key_file(pepper, Pepper.generate())
        with (
            spawn_keyholder(pepper, KeyholderSocket.LOOKUP, KeyholderSocket.IMPORT) as keyholder_socket,
            world(folder, f"sqlite:///{folder}/exposure.sqlite3", keyholder_socket, options.people, rng) as made,
        ):
            yield made


def learned(came_of_it: Report) -> Sequence[TableRow]:
    """Say what the adversary tried and learned."""
    return [
        value_row("tries", came_of_it.made(), "calls"),
        value_row("people whom he asked about", came_of_it.about, "people"),
        value_row("identifiers of which he learned what he had not proven", came_of_it.learned, "identifiers", "0"),
        *(value_row(f"  by: {what}", count, "identifiers") for what, count in came_of_it.tells.items()),
        value_row("codes that were compared", came_of_it.guesses, "codes"),
        value_row("in the busiest hour", came_of_it.guesses_hour, "codes", f"<= {came_of_it.caps['guesses_hour']:,}"),
        value_row("codes guessed", came_of_it.guessed, "codes", f"as chance has it: {came_of_it.expected:.6f}"),
        value_row("chance of guessing so many or more", came_of_it.chance, "", "> 0.000001"),
        value_row("most guesses at one code, all at once", came_of_it.crowd, "codes", "<= 5"),
        value_row("values held against his own record", came_of_it.checks, "values"),
    ]


def caused(came_of_it: Report) -> Sequence[TableRow]:
    """Say what messages there were."""
    caps = came_of_it.caps
    return [
        value_row("messages", came_of_it.messages, "messages"),
        value_row("to whoever had not asked for them", came_of_it.caused, "messages"),
        value_row("in the busiest hour", came_of_it.busiest_hour, "messages", f"<= {caps['busiest_hour']:,}"),
        value_row("most to anybody in an hour", came_of_it.victim_hour, "messages", f"<= {caps['victim_hour']}"),
        value_row("most to anybody in a day", came_of_it.victim_day, "messages", f"<= {caps['victim_day']}"),
        *(value_row(f"refused by {name}", count, "times") for name, count in sorted(came_of_it.refusals.items())),
    ]


def honest(came_of_it: Report) -> Sequence[TableRow]:
    """Say what became of the honest people."""
    people, victim = came_of_it.honest, came_of_it.victim
    middle, slow = waits(people.seconds)
    return [
        value_row("journeys begun", people.begun, "people"),
        value_row("journeys finished", people.finished, "people", f">= 99 %: {came_of_it.finished:.1%}"),
        value_row("answers that were not the truth", people.wrong, "answers", "0"),
        value_row("of them within half an hour", sum(one <= 1800 for one in people.seconds), "people"),
        value_row("from first to last, median", middle, "s"),
        value_row("from first to last, 99 of 100", slow, "s"),
        *(value_row(f"gave up: {why}", count, "people") for why, count in people.gave_up.items()),
        *(value_row(f"told to wait: {why}", count, "times") for why, count in people.refused.items()),
        value_row("the victim of the pumping: finished", victim.finished, "people"),
        *(value_row(f"  after {seconds:,.0f} s", 1, "people") for seconds in victim.seconds),
    ]


def main() -> None:
    """Run it, and print what came of it."""
    options, json_file = _options()
    began = time.monotonic()
    came_of_it = run(options)
    took = time.monotonic() - began
    tries = [
        value_row(f"{name}: {status}", count, "answers")
        for name, statuses in came_of_it.tries.items()
        for status, count in sorted(statuses.items())
    ]
    print_table("What was tried, and how it was answered", tries)
    print_table("What the adversary learned", learned(came_of_it))
    print_table("What he had sent", caused(came_of_it))
    print_table("Honest people beside him, half of them behind one address", honest(came_of_it))
    print(f"\n{took:,.0f} seconds")
    if json_file:
        json_file.write_text(json.dumps({"options": asdict(options), "report": asdict(came_of_it)}, indent=2) + "\n")


def _options() -> tuple[Options, Path | None]:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.adversary", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--tries", type=int, default=100_000, help="calls of the adversary (%(default)s)")
    parser.add_argument("--honest", type=int, default=1000, help="honest people (%(default)s)")
    parser.add_argument("--people", type=int, default=20_000, help="people there are to ask about (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of whom he asks about, from where (%(default)s)")
    parser.add_argument("--only", choices=STRATEGIES, help="the one strategy that all tries are spent on, in an hour")
    parser.add_argument(
        "--neighbour",
        type=int,
        default=0,
        metavar="N",
        help="calls in an hour of one who sits behind the carrier's address",
    )
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="where the figures are kept")
    given = parser.parse_args()
    if given.tries < 500 or not 1 <= given.honest < given.people:
        parser.error("at least 500 tries, one honest person, and more people than those")
    return Options(given.tries, given.honest, given.people, given.seed, given.only, given.neighbour), given.json


if __name__ == "__main__":
    main()

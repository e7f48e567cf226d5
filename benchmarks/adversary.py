"""A full attack and many honest users, on loopback: what the attacker learned, which messages it caused, who was denied.

    python -m benchmarks.adversary [--tries N] [--honest N] [--people N] [--seed S] [--only STRATEGY] [--neighbour N] [--json FILE]

An hour of attack and a day of its slow part pass in minutes. `tests/adversary` has the strategies, and runs a small attack in the tests.
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
from benchmarks.table import TableRow, print_table, value_row
from simulation.attack_plan import HOUR_SECONDS, STRATEGIES, create_attack, create_noisy_neighbour
from simulation.honest_users import HonestUser, HonestUserStats, create_honest_users
from simulation.observations import ObservationLog
from simulation.report import Report, build_report, median_and_p99
from simulation.run import Participant, Simulation
from simulation.setup import open_simulation

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  the files are deleted after the run
VICTIM_ADDRESS = "100.127.0.9"


@dataclass(frozen=True, slots=True)
class AttackOptions:
    """The size of the attack."""

    tries: int
    honest: int
    people: int
    seed: int
    only: str | None
    neighbour: int


def run_attack(options: AttackOptions) -> Report:
    """Attack for an hour while honest users arrive, and slowly for a day."""
    rng = Random(options.seed)
    with _open_simulation(options, rng) as simulation:
        log, stats, victim_stats = ObservationLog(), HonestUserStats(), HonestUserStats()
        attackers = create_attack(simulation, log, options.tries, rng, only=options.only)
        if options.neighbour:
            attackers.append(create_noisy_neighbour(simulation, log, options.neighbour, rng))
        honest_users = create_honest_users(simulation, stats, log, options.honest, rng, within=HOUR_SECONDS)
        victim = HonestUser(simulation, simulation.victim, VICTIM_ADDRESS, victim_stats, log, rng)
        victim_visit = Participant("victim", victim.script(), starts_at=HOUR_SECONDS / 2)
        simulation.run([*attackers, *honest_users, victim_visit])
        return build_report(simulation, log, attackers, stats, victim_stats, RateLimitPolicy())


@contextmanager
def _open_simulation(options: AttackOptions, rng: Random) -> Iterator[Simulation]:
    parent = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with TemporaryDirectory(prefix="exposure-adversary-", dir=parent) as name:
        folder = Path(name)
        database_url = f"sqlite:///{folder}/exposure.sqlite3"
        database, pepper = Database(database_url), folder / "pepper" / "pepper.key"
        upgrade(database)
        database.close()
        pepper.parent.mkdir()
        create_key_file(pepper, Pepper.generate())
        with (
            spawn_keyholder(pepper, KeyholderSocket.LOOKUP, KeyholderSocket.IMPORT) as keyholder_socket,
            open_simulation(folder, database_url, keyholder_socket, options.people, rng) as simulation,
        ):
            yield simulation


def learned_rows(report: Report) -> Sequence[TableRow]:
    """Return the rows on what the attacker tried and learned."""
    expected = f"as chance has it: {report.expected_guesses:.6f}"
    max_guesses = f"<= {report.maxima['max_guesses_per_hour']:,}"
    return [
        value_row("tries", report.count_calls(), "calls"),
        value_row("people asked about", report.targets, "people"),
        value_row("identifiers learned without verification", report.learned, "identifiers", "0"),
        *(
            value_row(f"  by: {feature}", count, "identifiers")
            for feature, count in report.distinguishing_features.items()
        ),
        value_row("codes compared", report.guesses, "codes"),
        value_row("codes compared in the busiest hour", report.max_guesses_per_hour, "codes", max_guesses),
        value_row("codes guessed", report.correct_guesses, "codes", expected),
        value_row("probability of at least so many by chance", report.guess_probability, "", "> 0.000001"),
        value_row("most guesses at one code in parallel", report.max_parallel_guesses, "codes", "<= 5"),
        value_row("values checked against the attacker's record", report.value_checks, "values"),
    ]


def message_rows(report: Report) -> Sequence[TableRow]:
    """Return the rows on messages and denials."""
    maxima = report.maxima
    max_hour, max_person_hour, max_person_day = (
        f"<= {maxima[name]:,}"
        for name in ("max_messages_per_hour", "max_messages_per_person_hour", "max_messages_per_person_day")
    )
    return [
        value_row("messages", report.messages, "messages"),
        value_row("to people who had not requested them", report.unrequested_messages, "messages"),
        value_row("in the busiest hour", report.max_messages_per_hour, "messages", max_hour),
        value_row("most to one person in an hour", report.max_messages_per_person_hour, "messages", max_person_hour),
        value_row("most to one person in a day", report.max_messages_per_person_day, "messages", max_person_day),
        *(value_row(f"denied by {name}", count, "times") for name, count in sorted(report.denials.items())),
    ]


def honest_user_rows(report: Report) -> Sequence[TableRow]:
    """Return the rows on the honest users and the victim of the pumping."""
    users, victim = report.honest_users, report.victim
    median_seconds, p99_seconds = median_and_p99(users.durations)
    return [
        value_row("users who started", users.started, "people"),
        value_row("users who finished", users.finished, "people", f">= 99 %: {report.finished_share:.1%}"),
        value_row("wrong answers", users.wrong_answers, "answers", "0"),
        value_row("finished within half an hour", sum(seconds <= 1800 for seconds in users.durations), "people"),
        value_row("duration, median", median_seconds, "s"),
        value_row("duration, p99", p99_seconds, "s"),
        *(value_row(f"gave up: {reason}", count, "people") for reason, count in users.gave_up.items()),
        *(value_row(f"had to wait: {problem}", count, "times") for problem, count in users.denials.items()),
        value_row("the victim of the pumping: finished", victim.finished, "people"),
        *(value_row(f"  after {seconds:,.0f} s", 1, "people") for seconds in victim.durations),
    ]


def main() -> None:
    """Run the attack and print its report."""
    options, json_file = _parse_options()
    started_at = time.monotonic()
    report = run_attack(options)
    duration = time.monotonic() - started_at
    status_rows = [
        value_row(f"{name}: {status}", count, "answers")
        for name, statuses in report.statuses_by_strategy.items()
        for status, count in sorted(statuses.items())
    ]
    print_table("Responses by strategy", status_rows)
    print_table("What the attacker learned", learned_rows(report))
    print_table("Messages and denials", message_rows(report))
    print_table("Honest users, half of them behind one address", honest_user_rows(report))
    print(f"\n{duration:,.0f} seconds")
    if json_file:
        # not asdict(report): it breaks Counter fields
        figures = {"options": asdict(options), "report": vars(report)}
        json_file.write_text(json.dumps(figures, indent=2, default=vars) + "\n")


def _parse_options() -> tuple[AttackOptions, Path | None]:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.adversary", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--tries", type=int, default=100_000, help="calls of the attacker (%(default)s)")
    parser.add_argument("--honest", type=int, default=1000, help="honest users (%(default)s)")
    parser.add_argument("--people", type=int, default=20_000, help="people to ask about (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the targets and addresses (%(default)s)")
    parser.add_argument("--only", choices=STRATEGIES, help="the one strategy that all tries are spent on, in an hour")
    parser.add_argument(
        "--neighbour",
        type=int,
        default=0,
        metavar="N",
        help="calls in an hour of an enumerator behind the carrier's address",
    )
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="write the figures to FILE")
    arguments = parser.parse_args()
    if arguments.tries < 500 or not 1 <= arguments.honest < arguments.people:
        parser.error("at least 500 tries, one honest user, and more people than honest users are required")
    options = AttackOptions(
        arguments.tries, arguments.honest, arguments.people, arguments.seed, arguments.only, arguments.neighbour
    )
    return options, arguments.json


if __name__ == "__main__":
    main()

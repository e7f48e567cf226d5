"""`exposure calibrate`."""

import math
import os
from functools import partial
from typing import Annotated, Any

import typer

from app.cli.output import JsonOption, emit
from app.crypto.calibration import (
    MOBILE_NUMBER_COUNT,
    Calibration,
    CostEstimate,
    count_identifiers,
    measure_digest_seconds,
)
from app.crypto.calibration import calibrate as run_calibration
from app.crypto.stretching import profile_name
from app.errors import InvalidInput

commands = typer.Typer(add_completion=False)


@commands.command()
def calibrate(
    accounts: Annotated[int, typer.Option(min=1, max=10**10, help="number of accounts to import")],
    cores: Annotated[int, typer.Option(min=1, max=10**6, help="cores that run the import")],
    hours: Annotated[float, typer.Option(help="hours that the import may take")],
    json: JsonOption = False,
) -> None:
    """Measure this machine for ten seconds. Print the Argon2id cost that fits, and what it costs an attacker who stole everything."""
    if not 0 < hours < math.inf:
        raise InvalidInput("--hours: must be a finite number above zero")
    threads = min(cores, os.cpu_count() or 1)
    calibration = run_calibration(
        accounts=accounts, cores=cores, hours=hours, measure=partial(measure_digest_seconds, threads=threads)
    )
    counts = {
        "accounts": accounts,
        "identifiers": count_identifiers(accounts),
        "cores": cores,
        "measured_cores": threads,
    }
    profiles = {name: _price_fields(price) for name, price in calibration.profiles.items()}
    fields = {
        "event": "calibrated",
        **_price_fields(calibration.recommended),
        **counts,
        "hours": hours,
        "profiles": profiles,
    }
    emit(fields, _format_report(calibration, **counts), as_json=json)


def _price_fields(price: CostEstimate) -> dict[str, Any]:
    profile = profile_name(price.cost)
    return {
        "cost": str(price.cost),
        **({} if profile is None else {"profile": profile}),
        "digest_ms": price.digest_seconds * 1000,
        "import_hours": price.import_hours,
        "attack_core_hours": price.attack_core_hours,
        "attack_days": price.attack_days,
    }


def _format_report(
    calibration: Calibration, *, accounts: int, identifiers: int, cores: int, measured_cores: int
) -> str:
    chosen = calibration.recommended
    profile = profile_name(chosen.cost)
    name = f"{chosen.cost}, the profile {profile}" if profile else str(chosen.cost)
    core_hours, days = _format_number(chosen.attack_core_hours), _format_number(chosen.attack_days)
    rows = [("this fits", chosen), *calibration.profiles.items()]
    lines = [
        f"--cost {name} (Argon2id: passes {chosen.cost.passes}, memory {chosen.cost.memory_kib:,} KiB, lanes 1)",
        "",
        f"Accounts {accounts:,}, identifiers about {identifiers:,}, cores {cores}:",
        "",
        f"             cost          one digest      import   all {MOBILE_NUMBER_COUNT:,} mobile numbers",
        *(_format_row(name, price) for name, price in rows),
        "",
    ]
    if measured_cores < cores:
        lines += [
            f"Measured with the {measured_cores} cores of this machine. The other cores are assumed to be as fast.",
            "",
        ]
    lines += [
        "An attacker with the database and ALL keys (pepper and store keys) tries every number 010-xxxx-xxxx once in",
        f"{core_hours} core-hours: {days} days on as many cores of this speed, less on specialised hardware.",
        "Nothing else protects the phone numbers from such an attacker: no confidentiality is claimed in this case.",
    ]
    return "\n".join(lines)


def _format_row(name: str, price: CostEstimate) -> str:
    digest, hours, attack = map(
        _format_number, (price.digest_seconds * 1000, price.import_hours, price.attack_core_hours)
    )
    return f"  {name:<9}  {price.cost!s:<10}  {digest:>9} ms  {hours:>8} h   {attack} core-hours"


def _format_number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

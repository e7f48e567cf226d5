"""What budgets there are, how much each holds, and the file that says otherwise. README.md beside this file has the arithmetic."""

import tomllib
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.errors import InvalidInput
from app.rate_limits.gcra import Limit


class InvalidLimitsFile(InvalidInput):
    """The file of budgets cannot be used."""


class RouteLimit(StrEnum):
    """What a route's calls spend from."""

    VERIFICATIONS = "verifications"
    CONFIRMATIONS = "confirmations"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Of one address (IPv4, or IPv6 /64), of a subnet (/24, /48), or of a session. These speak: 429, and headers."""

    verifications: str = "60/minute"
    verifications_per_subnet: str = "240/minute"
    confirmations: str = "120/minute"
    other: str = "240/minute"
    new_identifiers: str = "400/day"
    new_identifiers_per_subnet: str = "1600/day"
    unverified_codes: str = "240/hour"
    unverified_codes_per_subnet: str = "960/hour"
    wrong_codes: str = "120/hour"
    wrong_codes_per_subnet: str = "480/hour"
    trust: str = "60/day"
    value_checks_per_session: str = "60/hour"


@dataclass(frozen=True, slots=True)
class TargetLimits:
    """Of one identifier. Silent: the answer is the ordinary one, and no message is sent."""

    codes: str = "10/hour"
    codes_per_day: str = "30/day"
    wrong_codes: str = "25/day"


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """Of the whole service. Silent where a message would be sent; 503 where a code would be tried."""

    messages: str = "500000/hour"
    messages_per_day: str = "5000000/day"
    unverified_domestic: str = "20000/hour"
    unverified_international: str = "100/hour"
    wrong_codes: str = "10000/hour"
    admissions: str = "500/second"


_TABLES = ("client", "target", "service")


@dataclass(frozen=True, slots=True)
class RateLimitPolicy:
    """All budgets."""

    client: ClientLimits = field(default_factory=ClientLimits)
    target: TargetLimits = field(default_factory=TargetLimits)
    service: ServiceLimits = field(default_factory=ServiceLimits)
    sms_countries: tuple[str, ...] = ("82",)
    """Calling codes of the countries to which text messages are sent."""
    dry_run: bool = False
    """Whether what a budget would have refused is only logged."""

    def limits_by_name(self) -> dict[str, Limit]:
        """Give all budgets by their place in the file, as in ``client.new_identifiers``."""
        tables = {name: getattr(self, name) for name in _TABLES}
        return {
            f"{name}.{one.name}": Limit.read(getattr(table, one.name))
            for name, table in tables.items()
            for one in fields(table)
        }


def load_policy(path: Path | None) -> RateLimitPolicy:
    """Read the file of budgets; without one, the defaults.

    Raises:
        BadBudgets: the file, the place in it, and why.
    """
    if path is None:
        return RateLimitPolicy()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidLimitsFile(f"EXPOSURE_LIMITS_FILE: {path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidLimitsFile(f"EXPOSURE_LIMITS_FILE: {path}: {error}") from None
    policy = RateLimitPolicy()
    for name, value in content.items():
        try:
            policy = replace(policy, **_read(policy, name, value))
        except InvalidLimitsFile as fault:
            raise InvalidLimitsFile(f"EXPOSURE_LIMITS_FILE: {path}: {fault}") from None
    return policy


def _read(policy: RateLimitPolicy, name: str, value: object) -> dict[str, Any]:
    """Read one key of the file; gives the field that it changes.

    Raises:
        BadBudgets: its place, and why.
    """
    if name in _TABLES:
        return {name: _read_table(getattr(policy, name), name, value)}
    if name == "sms_countries":
        if not isinstance(value, list) or not all(isinstance(one, str) and one.isdecimal() for one in value):
            raise InvalidLimitsFile('sms_countries: must be a list of calling codes such as ["82"]')
        return {name: tuple(value)}
    if name == "dry_run":
        if not isinstance(value, bool):
            raise InvalidLimitsFile("dry_run: must be true or false")
        return {name: value}
    raise InvalidLimitsFile(f"{name}: unknown key")


def _read_table(defaults: Any, name: str, value: object) -> object:  # noqa: ANN401  one of the three tables
    if not isinstance(value, dict):
        raise InvalidLimitsFile(f"{name}: must be a table of limits")
    known = {one.name for one in fields(defaults)}
    for budget, text in value.items():
        if budget not in known:
            raise InvalidLimitsFile(f"{name}.{budget}: unknown key")
        try:
            Limit.read(text)
        except (ValueError, TypeError):
            raise InvalidLimitsFile(f"{name}.{budget}: must be a limit such as 60/minute") from None
    return replace(defaults, **value)

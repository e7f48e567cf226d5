"""The rate limits, their defaults, and the TOML file that overrides them. README.md beside this file explains the arithmetic."""

import tomllib
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.errors import InvalidInput
from app.rate_limits.gcra import Limit


class InvalidLimitsFile(InvalidInput):
    """The limits file cannot be used."""


class RouteLimit(StrEnum):
    """The request limit that the requests of a route are charged to."""

    VERIFICATIONS = "verifications"
    CONFIRMATIONS = "confirmations"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Limits of an address (IPv4, or IPv6 /64), of a subnet (/24, /48) or of a verified identifier. Denials are reported: 429 and headers."""

    verifications: str = "60/minute"
    verifications_per_subnet: str = "240/minute"
    confirmations: str = "120/minute"
    other: str = "240/minute"
    unverified_codes: str = "400/day"
    unverified_codes_per_subnet: str = "1600/day"
    wrong_codes: str = "120/hour"
    wrong_codes_per_subnet: str = "480/hour"
    trust: str = "60/day"
    value_checks_per_identifier: str = "60/hour"


@dataclass(frozen=True, slots=True)
class TargetLimits:
    """Limits of an identifier. Denials are silent: the answer is the ordinary one, and no message is sent."""

    codes: str = "10/hour"
    codes_per_day: str = "30/day"
    wrong_codes: str = "25/day"


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """Limits of the whole service. Denials are silent where a message would be sent, and 503 where a code would be tried."""

    messages: str = "500000/hour"
    messages_per_day: str = "5000000/day"
    unverified_domestic: str = "20000/hour"
    unverified_international: str = "100/hour"
    wrong_codes: str = "10000/hour"
    admissions: str = "500/second"


_TABLES = ("client", "target", "service")


@dataclass(frozen=True, slots=True)
class RateLimitPolicy:
    """All rate limits."""

    client: ClientLimits = field(default_factory=ClientLimits)
    target: TargetLimits = field(default_factory=TargetLimits)
    service: ServiceLimits = field(default_factory=ServiceLimits)
    sms_countries: tuple[str, ...] = ("82",)
    """Calling codes of the countries to which text messages are sent."""
    dry_run: bool = False
    """Whether denials are only logged."""

    def limits_by_name(self) -> dict[str, Limit]:
        """Return all limits by their names in the file, as in ``client.unverified_codes``."""
        tables = {name: getattr(self, name) for name in _TABLES}
        return {
            f"{name}.{key.name}": Limit.parse(getattr(table, key.name))
            for name, table in tables.items()
            for key in fields(table)
        }


def load_policy(path: Path | None) -> RateLimitPolicy:
    """Load the limits file; without one, return the defaults.

    Raises:
        InvalidLimitsFile: names the file, the key or line, and the reason.
    """
    if path is None:
        return RateLimitPolicy()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InvalidLimitsFile(f"EXPOSURE_LIMITS_FILE: {path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidLimitsFile(f"EXPOSURE_LIMITS_FILE: {path}: {error}") from None
    policy = RateLimitPolicy()
    for key, value in content.items():
        try:
            policy = replace(policy, **_parse_key(policy, key, value))
        except InvalidLimitsFile as error:
            raise InvalidLimitsFile(f"EXPOSURE_LIMITS_FILE: {path}: {error}") from None
    return policy


def _parse_key(policy: RateLimitPolicy, key: str, value: object) -> dict[str, Any]:
    """Parse a top-level key of the file. Return the changed field of the policy.

    Raises:
        InvalidLimitsFile: names the key and the reason.
    """
    if key in _TABLES:
        return {key: _parse_table(getattr(policy, key), key, value)}
    if key == "sms_countries":
        if not isinstance(value, list) or not all(isinstance(code, str) and code.isdecimal() for code in value):
            raise InvalidLimitsFile('sms_countries: must be a list of calling codes such as ["82"]')
        return {key: tuple(value)}
    if key == "dry_run":
        if not isinstance(value, bool):
            raise InvalidLimitsFile("dry_run: must be true or false")
        return {key: value}
    raise InvalidLimitsFile(f"{key}: unknown key")


def _parse_table(defaults: Any, table: str, value: object) -> object:  # noqa: ANN401  one of the three tables
    if not isinstance(value, dict):
        raise InvalidLimitsFile(f"{table}: must be a table of rates")
    allowed_keys = {key.name for key in fields(defaults)}
    for key, rate in value.items():
        if key not in allowed_keys:
            raise InvalidLimitsFile(f"{table}.{key}: unknown key")
        try:
            Limit.parse(rate)
        except (ValueError, TypeError):
            raise InvalidLimitsFile(f"{table}.{key}: must be a rate over at most a day, such as 60/minute") from None
    return replace(defaults, **value)

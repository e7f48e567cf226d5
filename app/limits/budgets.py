"""The client budgets and where they are read from."""

import tomllib
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path

from limits import parse

from app.errors import BadInput


class BadBudgets(BadInput):
    """The file of budgets cannot be used."""


class Budget(StrEnum):
    """What a call spends from."""

    VERIFICATIONS = "verifications"
    CONFIRMATIONS = "confirmations"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Budgets:
    """How much each budget holds, as ``COUNT/WINDOW``; README.md has the arithmetic."""

    verifications: str = "60/minute"
    verifications_of_subnet: str = "240/minute"
    confirmations: str = "120/minute"
    other: str = "240/minute"


def read_budgets(path: Path | None) -> Budgets:
    """Read the file of budgets; without one, the defaults.

    Raises:
        BadBudgets: the file, the place in it, and why.
    """
    if path is None:
        return Budgets()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadBudgets(f"EXPOSURE_LIMITS_FILE: {path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadBudgets(f"EXPOSURE_LIMITS_FILE: {path}: {error}") from None
    client = content.pop("client", {})
    if not isinstance(client, dict):
        raise BadBudgets(f"EXPOSURE_LIMITS_FILE: {path}: client: is a table of budgets")
    known = {field.name for field in fields(Budgets)}
    for name in (*content, *(client.keys() - known)):
        raise BadBudgets(f"EXPOSURE_LIMITS_FILE: {path}: {name}: unknown key")
    for name, value in client.items():
        try:
            parse(value)
        except (ValueError, TypeError):
            raise BadBudgets(f"EXPOSURE_LIMITS_FILE: {path}: client.{name}: is no budget such as 60/minute") from None
    return replace(Budgets(), **client)

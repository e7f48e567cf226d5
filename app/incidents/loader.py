"""Loads incident files (TOML)."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from app.incidents.errors import InvalidIncident
from app.incidents.schema import Incident


def load_incident(path: Path) -> Incident:
    """Load and validate an incident file.

    Raises:
        InvalidIncident: the message names the file, the place in it, and the reason.
    """
    try:
        return Incident.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise InvalidIncident(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InvalidIncident(f"{path}: byte {error.start + 1} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidIncident(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        location = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
        prefix = f"{location.lstrip('.')}: " if location else ""
        reason = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise InvalidIncident(f"{path}: {prefix}{reason}") from None
    except (ValueError, RecursionError):  # limits of tomllib itself
        raise InvalidIncident(f"{path}: cannot be read: nested too deeply, or a number too long") from None

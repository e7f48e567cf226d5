"""Output of the commands: text for people, or one JSON object a line for machines."""

import json
import sys
import unicodedata
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from app.clock import format_rfc3339

_CONTROL_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = {"\u200c", "\u200d"}
"""They belong to the spelling of some scripts and of emoji."""

JsonOption = Annotated[bool, typer.Option("--json", help="one JSON object a line, for machines")]


def escape_control(text: str) -> str:
    """Replace control characters, and invisible ones that reorder text, by ``\\uXXXX``, as JSON does."""
    if text.isprintable():
        return text
    return "".join([_escape(character) for character in text])


def _escape(character: str) -> str:
    is_control = unicodedata.category(character) in _CONTROL_CATEGORIES and character not in _JOINERS
    return f"\\u{ord(character):04x}" if is_control and ord(character) <= 0xFFFF else character


def emit(fields: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print a result: *fields* as JSON, or *text*, whose lines may hold what a file says: nothing in them controls the terminal."""
    output = json.dumps(fields, default=_to_json_value, ensure_ascii=False) if as_json else text
    sys.stdout.write("\n".join(map(escape_control, output.split("\n"))) + "\n")
    sys.stdout.flush()


def _to_json_value(value: object) -> str:
    match value:
        case datetime():
            return format_rfc3339(value)
        case UUID():
            return str(value)
        case _:
            raise TypeError(type(value).__name__)

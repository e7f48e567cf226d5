"""Output of the commands: text for people, or one JSON object a line for machines."""

import json
import sys
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from app.clock import format_rfc3339

JsonOption = Annotated[bool, typer.Option("--json", help="one JSON object a line, for machines")]


def emit(fields: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print a result: *fields* as JSON, or *text*."""
    sys.stdout.write((json.dumps(fields, default=_to_json_value, ensure_ascii=False) if as_json else text) + "\n")
    sys.stdout.flush()


def _to_json_value(value: object) -> str:
    match value:
        case datetime():
            return format_rfc3339(value)
        case UUID():
            return str(value)
        case _:
            raise TypeError(type(value).__name__)

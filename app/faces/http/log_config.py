"""Logging: JSON lines to standard error, of listed fields only. What is not on the list does not get out, whoever logs it."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

FIELDS = frozenset(
    {
        "at",
        "limit",
        "budgets",
        "channel",
        "error",
        "event",
        "failed",
        "incident",
        "level",
        "method",
        "duration_ms",
        "request_id",
        "route",
        "status",
        "timestamp",
    }
)
"""What a log line may say."""

EVENTS = frozenset(
    {
        "alert-failed",
        "background-failed",
        "rate-limit-denied",
        "canary-touched",
        "redis-recovered",
        "redis-lost",
        "request",
        "global-limit-denied",
        "started",
        "stopped",
        "unhandled-exception",
        "webhook-failed",
    }
)
"""What a line may be about. An event is a constant, never a sentence with something in it."""


def configure_logging(level: str) -> None:
    """Set up the one way in which this process logs; libraries are heard from a warning on, by name and place only."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            drop_unlisted_fields,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PlaceOnly())
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def drop_unlisted_fields(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every field that is not on the list, and the text of every event that is not."""
    kept = {name: value for name, value in line.items() if name in FIELDS and value is not None}
    if kept.get("event") not in EVENTS:
        kept["event"] = "unlisted"
    return kept


class _PlaceOnly(logging.Formatter):
    """A library's record without its message, which may hold anything."""

    def format(self, record: logging.LogRecord) -> str:
        """Name the library, the place and the kind of exception."""
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        return f"{record.levelname} {record.name} {record.module}:{record.lineno} {error}".rstrip()

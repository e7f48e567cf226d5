"""Logging: JSON lines on standard error. Only listed fields and events are written, whatever a caller passes."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED_FIELDS = frozenset(
    {
        "at",
        "drained_buckets",
        "channel",
        "duration_ms",
        "error",
        "event",
        "failed",
        "incident",
        "job",
        "level",
        "limit",
        "method",
        "request_id",
        "route",
        "status",
        "timestamp",
    }
)
"""Fields that a log line may have; all others are dropped."""

ALLOWED_EVENTS = frozenset(
    {
        "alert-failed",
        "background-job-failed",
        "canary-hit",
        "global-limit-denied",
        "rate-limit-denied",
        "ratchet-ahead",
        "ratchet-mismatch",
        "redis-lost",
        "redis-recovered",
        "request",
        "started",
        "stopped",
        "unhandled-exception",
        "webhook-failed",
    }
)
"""Events that may be logged. An event is a constant, never a sentence with data in it."""


def configure_logging(level: str) -> None:
    """Set up structlog for this process. Other libraries are logged from WARNING on, without their messages."""
    level_number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            drop_unlisted_fields,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level_number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LocationFormatter())
    logging.basicConfig(level=max(level_number, logging.WARNING), handlers=[handler], force=True)


def drop_unlisted_fields(_: object, __: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every field that is not allowed, and replace the event if it is not."""
    allowed = {name: value for name, value in event_dict.items() if name in ALLOWED_FIELDS and value is not None}
    if allowed.get("event") not in ALLOWED_EVENTS:
        allowed["event"] = "unlisted"
    return allowed


class _LocationFormatter(logging.Formatter):
    """Formats a library's log record without its message, which may contain anything."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the level, logger, location and exception class."""
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        return f"{record.levelname} {record.name} {record.module}:{record.lineno} {error}".rstrip()

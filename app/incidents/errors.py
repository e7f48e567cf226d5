"""Errors of incidents."""

from app.errors import InvalidInput, NotFound


class InvalidIncident(InvalidInput):
    """The incident file or change is invalid. The message names the file or key, and the reason."""


class IncidentExists(InvalidInput):
    """An incident with this slug exists already."""


class UnknownIncident(NotFound):
    """There is no such incident, or no such version of its notice."""

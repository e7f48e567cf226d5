"""What can be wrong with an incident."""

from app.errors import InvalidInput, NotFound


class InvalidIncident(InvalidInput):
    """An incident file that cannot be taken; names the file, the key and why."""


class IncidentExists(InvalidInput):
    """An incident of this slug is there already."""


class UnknownIncident(NotFound):
    """There is no such incident, or no such version of its notice."""

"""What can be wrong with an incident."""

from app.errors import BadInput, NotFound


class BadIncident(BadInput):
    """An incident file that cannot be taken; names the file, the key and why."""


class IncidentExists(BadInput):
    """An incident of this slug is there already."""


class UnknownIncident(NotFound):
    """There is no such incident, or no such version of its notice."""

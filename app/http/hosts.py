"""Which Host headers are served. A page must not be cached, linked to or compared with an Origin under a name that is not ours."""

import re
from ipaddress import ip_address

from app.errors import ExposureError

HOST_INDEPENDENT_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Called by load balancers and monitoring, under the address of this machine."""
_PORT = re.compile(r":[0-9]*\Z")


class WrongHost(ExposureError):
    """The Host header is not one of this service."""


def is_allowed_host(header: str, public_host: str | None) -> bool:
    """Return whether a Host header names *public_host* or, as a call from this machine does, loopback. The port does not matter."""
    name = _PORT.sub("", header).lower().removeprefix("[").removesuffix("]")
    if name in {public_host, "localhost"}:
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False

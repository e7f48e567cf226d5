"""Whose session a page belongs to.

Each page where an identifier can be added shows to which it is added: the session may be that of the person who used the device before.
"""

from fastapi import Request

from app.errors import DependencyUnavailable
from app.http.auth import load_principal
from app.http.services import services_of
from app.verification import NotSignedIn
from app.web import cookies


def session_identifiers(request: Request) -> tuple[str, ...]:
    """Return the masked identifiers of the current session; none without a session, or if it cannot be read now."""
    token = cookies.session_token(request)
    if token is None:
        return ()
    try:
        principal = load_principal(services_of(request), token)
    except (NotSignedIn, DependencyUnavailable):
        return ()
    return tuple(identifier.masked for identifier in principal.identifiers)

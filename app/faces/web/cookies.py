"""The cookies, none of which a script or another site's request gets to see.

``session``: the bearer token, until the browser closes or the server ends it. ``verification``: what belongs to a code that is on its way.
``place``: a ticket for the queue. ``lang``: the language; the one that goes along with a link from elsewhere.
"""

import base64
import binascii
import json
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Self
from uuid import UUID

from fastapi import Request, Response

from app.faces.http.services import services_of

Cookie = Literal["session", "verification", "place", "lang"]
SameSite = Literal["strict", "lax"]

LANGUAGE_KEPT = timedelta(days=365)
PLACE_KEPT = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Pending:
    """A code that is on its way."""

    id: UUID
    client_secret: str = field(repr=False)
    to: str
    """Where it was sent, masked."""
    until: datetime
    sent: int = 1

    def written(self) -> str:
        """Spell it as the value of a cookie."""
        text = json.dumps(astuple(self), default=str, ensure_ascii=False)
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    @classmethod
    def read(cls, value: str) -> Self | None:
        """Read what `written` spelled; whatever else it is, it is nothing."""
        try:
            content = json.loads(base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True))
            number, client_secret, to, until, sent = content
            moment = datetime.fromisoformat(until)
            if moment.tzinfo is None:
                return None
            return cls(UUID(number), str(client_secret), str(to), moment, int(sent))
        except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error):
            return None


def session_token(request: Request) -> str | None:
    """Give the session's token, where there is one."""
    return request.cookies.get(_name(request, "session")) or None


def pending(request: Request) -> Pending | None:
    """Give the code that is on its way, where there is one."""
    return Pending.read(request.cookies.get(_name(request, "verification"), ""))


def place(request: Request) -> str | None:
    """Give the ticket of a place in the queue, where there is one."""
    return request.cookies.get(_name(request, "place"))


def language(request: Request) -> str | None:
    """Give the language that was chosen, where one was."""
    return request.cookies.get(_name(request, "lang"))


def keep_session(request: Request, response: Response, token: str) -> None:
    """Have the browser keep the session."""
    _keep(request, response, "session", token, None)


def keep_pending(request: Request, response: Response, code: Pending) -> None:
    """Have the browser keep what belongs to a code, for as long as the code is good."""
    _keep(request, response, "verification", code.written(), code.until - services_of(request).clock())


def keep_place(request: Request, response: Response, ticket: str) -> None:
    """Have the browser keep a place in the queue."""
    _keep(request, response, "place", ticket, PLACE_KEPT)


def keep_language(request: Request, response: Response, locale: str) -> None:
    """Have the browser keep the language."""
    _keep(request, response, "lang", locale, LANGUAGE_KEPT, "lax")


def drop(request: Request, response: Response, *cookies: Cookie) -> None:
    """Have the browser forget."""
    for cookie in cookies:
        _keep(request, response, cookie, "", timedelta(0))


def _keep(
    request: Request,
    response: Response,
    cookie: Cookie,
    value: str,
    lifetime: timedelta | None,
    same_site: SameSite = "strict",
) -> None:
    response.set_cookie(
        _name(request, cookie),
        value,
        max_age=None if lifetime is None else max(0, int(lifetime.total_seconds())),
        path="/",
        secure=services_of(request).secure_cookies,
        httponly=True,
        samesite=same_site,
    )


def _name(request: Request, cookie: Cookie) -> str:
    return f"__Host-{cookie}" if services_of(request).secure_cookies else cookie

"""Cookies. All are HttpOnly; all but ``lang`` are SameSite=Strict.

``session``: the bearer token; a session cookie that the browser deletes when it closes.
``verification``: the pending verification, until its code expires.
``queue``: the ticket of the waiting room.
``lang``: the chosen language; SameSite=Lax, so that it is also sent when a link on another site is followed.
"""

import base64
import json
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import Request, Response
from pydantic import AwareDatetime, Field, TypeAdapter

from app.http.padding import COOKIE_BLOCK
from app.http.services import services_of

CookieName = Literal["session", "verification", "queue", "lang"]
SameSite = Literal["strict", "lax"]

_Text = Annotated[str, Field(max_length=1000)]
# Anybody can write a cookie: text must be encodable, and a time must exist in every time zone. Pydantic checks the former.
_Time = Annotated[AwareDatetime, Field(gt=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC))]
_PENDING_FIELDS = TypeAdapter(tuple[UUID, _Text, _Text, _Time, Annotated[int, Field(ge=1, le=100)]])

LANGUAGE_MAX_AGE = timedelta(days=365)
QUEUE_TICKET_MAX_AGE = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class PendingVerification:
    """A verification whose code was sent and not yet confirmed."""

    id: UUID
    client_secret: str = field(repr=False)
    masked_address: str
    """Where the code was sent."""
    expires_at: datetime
    codes_sent: int = 1

    def to_cookie(self) -> str:
        """Encode as a cookie value, padded so that its length does not tell that of the address."""
        content = json.dumps(astuple(self), default=str, ensure_ascii=False).encode()
        padded = content + b" " * (-len(content) % COOKIE_BLOCK)
        return base64.urlsafe_b64encode(padded).rstrip(b"=").decode()

    @classmethod
    def from_cookie(cls, value: str) -> Self | None:
        """Decode a cookie value. Return None if it is malformed."""
        try:
            content = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
            return cls(*_PENDING_FIELDS.validate_json(content))
        except ValueError:  # includes binascii.Error and ValidationError
            return None


def session_token(request: Request) -> str | None:
    """Return the session's token, or None."""
    return request.cookies.get(_cookie_name(request, "session")) or None


def pending_verification(request: Request) -> PendingVerification | None:
    """Return the pending verification, or None."""
    return PendingVerification.from_cookie(request.cookies.get(_cookie_name(request, "verification"), ""))


def queue_ticket(request: Request) -> str | None:
    """Return the ticket of the waiting room, or None."""
    return request.cookies.get(_cookie_name(request, "queue"))


def preferred_language(request: Request) -> str | None:
    """Return the language that was chosen on an earlier page, or None."""
    return request.cookies.get(_cookie_name(request, "lang"))


def set_session(request: Request, response: Response, token: str) -> None:
    """Set the session cookie."""
    _set_cookie(request, response, "session", token, None)


def set_pending_verification(request: Request, response: Response, pending: PendingVerification) -> None:
    """Set the verification cookie. It expires with the code."""
    lifetime = pending.expires_at - services_of(request).clock()
    _set_cookie(request, response, "verification", pending.to_cookie(), lifetime)


def set_queue_ticket(request: Request, response: Response, ticket: str) -> None:
    """Set the ticket of the waiting room."""
    _set_cookie(request, response, "queue", ticket, QUEUE_TICKET_MAX_AGE)


def set_language(request: Request, response: Response, locale: str) -> None:
    """Set the language cookie."""
    _set_cookie(request, response, "lang", locale, LANGUAGE_MAX_AGE, "lax")


def delete(request: Request, response: Response, *cookies: CookieName) -> None:
    """Delete cookies."""
    for cookie in cookies:
        _set_cookie(request, response, cookie, "", timedelta(0))


def _set_cookie(
    request: Request,
    response: Response,
    cookie: CookieName,
    value: str,
    lifetime: timedelta | None,
    same_site: SameSite = "strict",
) -> None:
    response.set_cookie(
        _cookie_name(request, cookie),
        value,
        max_age=None if lifetime is None else max(0, int(lifetime.total_seconds())),
        path="/",
        secure=services_of(request).secure_cookies,
        httponly=True,
        samesite=same_site,
    )


def _cookie_name(request: Request, cookie: CookieName) -> str:
    return f"__Host-{cookie}" if services_of(request).secure_cookies else cookie

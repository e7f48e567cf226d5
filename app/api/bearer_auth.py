"""Bearer authentication: the access token of a session. Asynchronous, because FastAPI runs plain functions in a thread."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from app.verification import NotSignedIn


class _BearerToken(HTTPBearer):
    """Security scheme and dependency in one class: each extra FastAPI dependency costs more than this check."""

    def __init__(self, *, required: bool) -> None:
        super().__init__(
            scheme_name="HTTPBearer", auto_error=False, description="the access_token of a confirmed verification"
        )
        self._required = required

    async def __call__(self, request: Request) -> str | None:  # type: ignore[override]  # returns the token only
        """Return the token, if the request has one.

        Raises:
            NotSignedIn: the token is required and missing.
        """
        credentials = await super().__call__(request)
        if credentials is None and self._required:
            raise NotSignedIn("no session")
        return None if credentials is None else credentials.credentials


Token = Annotated[str, Depends(_BearerToken(required=True))]
OptionalToken = Annotated[str | None, Depends(_BearerToken(required=False))]

"""Who is calling: the Bearer token of a session. Asynchronous, for FastAPI would hand plain functions to threads."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from app.verification import NotSignedIn


class _Bearer(HTTPBearer):
    """The scheme and its dependency in one, since FastAPI's work for each dependency of a call is more than theirs."""

    def __init__(self, *, required: bool) -> None:
        super().__init__(
            scheme_name="HTTPBearer", auto_error=False, description="the access_token of a confirmed verification"
        )
        self._required = required

    async def __call__(self, request: Request) -> str | None:  # type: ignore[override]  # the token, not what it stands in
        """Give the token, where there is one.

        Raises:
            NotSignedIn: there is none, where it is required.
        """
        credentials = await super().__call__(request)
        if credentials is None and self._required:
            raise NotSignedIn("no session")
        return None if credentials is None else credentials.credentials


Token = Annotated[str, Depends(_Bearer(required=True))]
OptionalToken = Annotated[str | None, Depends(_Bearer(required=False))]

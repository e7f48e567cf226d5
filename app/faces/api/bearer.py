"""Who is calling: the Bearer token of a session. Asynchronous, for FastAPI would hand plain functions to threads."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.verification import NoSession

_scheme = HTTPBearer(auto_error=False, description="the access_token of a confirmed verification")
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)]


async def optional_token(credentials: _Credentials) -> str | None:
    """Give the token, where there is one."""
    return None if credentials is None else credentials.credentials


async def token(credentials: _Credentials) -> str:
    """Give the token.

    Raises:
        NoSession: there is none.
    """
    if credentials is None:
        raise NoSession("no session")
    return credentials.credentials


Token = Annotated[str, Depends(token)]
OptionalToken = Annotated[str | None, Depends(optional_token)]

"""What all bodies share: strict types in, nothing null out."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from app.clock import format_rfc3339
from app.faces.http.padding import pad_response
from app.faces.http.problems import MEDIA_TYPE

Timestamp = Annotated[
    datetime,
    PlainSerializer(format_rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment in UTC, RFC 3339, to the second."""

Omitted = SkipJsonSchema[None]
"""A field that does not apply is left out, so the schema knows no null."""


class RequestModel(BaseModel):
    """A request's body: what the schema says, literally; unknown keys are passed over."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)


class ResponseModel(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(frozen=True)


def json_response(body: ResponseModel, status: int = 200, *, personal: bool = False) -> Response:
    """Write an answer, a *personal* one padded. Its types were checked as it was made; FastAPI would check them again, in another thread."""
    content = body.model_dump_json(exclude_none=True).encode()
    return Response(pad_response(content) if personal else content, status, media_type="application/json")


class FieldErrorOut(ResponseModel):
    """One place where bad input stands."""

    pointer: str
    code: str


class ProblemOut(ResponseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldErrorOut] | Omitted = None
    tries_left: int | Omitted = None


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare the problems of a route, with those that every route can end in."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    return {
        status: {"description": "Problem", "content": content, "model": ProblemOut}
        for status in sorted({*statuses, 429, 500, 503})
    }

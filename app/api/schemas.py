"""What all request and response bodies share: strict types in requests, and no nulls in responses."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from app.clock import format_rfc3339
from app.http.padding import pad_response
from app.http.problems import MEDIA_TYPE

Timestamp = Annotated[
    datetime,
    PlainSerializer(format_rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A UTC time, RFC 3339, in whole seconds."""

Omitted = SkipJsonSchema[None]
"""A field without a value is left out of the response, so the schema has no null."""


class RequestModel(BaseModel):
    """A request body, validated without coercion; unknown keys are ignored."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)


class ResponseModel(BaseModel):
    """A response body."""

    model_config = ConfigDict(frozen=True)


def json_response(body: ResponseModel, status: int = 200, *, personal: bool = False) -> Response:
    """Create a JSON response; pad it if it is *personal*. Pydantic has checked *body*; FastAPI would check it again, in another thread."""
    content = body.model_dump_json(exclude_none=True).encode()
    return Response(pad_response(content) if personal else content, status, media_type="application/json")


class FieldErrorOut(ResponseModel):
    """An invalid field: JSON pointer and error code."""

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
    """Declare the problem responses of a route, including those of every route (400, 429, 500, 503)."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    return {
        status: {"description": "Problem", "content": content, "model": ProblemOut}
        for status in sorted({*statuses, 400, 429, 500, 503})
    }

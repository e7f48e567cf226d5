"""Error responses (RFC 9457 problems): the one place where domain errors become status codes.

All texts are constants. Nothing of the input is repeated: no value, and no name of an unknown key.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match, Route

from app.acknowledgements import NoticeSuperseded, UnknownExposure
from app.errors import DependencyUnavailable, ExposureError
from app.exposures import InvalidValue, ReverificationNeeded
from app.http.hosts import WrongHost
from app.http.rate_limit.request_limiter import RateLimitState
from app.http.rate_limit.route import RequestRateLimited
from app.http.services import services_of
from app.incidents.errors import UnknownIncident
from app.rate_limits import MustQueue, RateLimited
from app.verification import (
    InvalidIdentifier,
    NotSignedIn,
    ResendTooSoon,
    TooManyIdentifiers,
    UnknownVerification,
    VerificationEnded,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
"""Retry-After of a 503: long enough for a restart, short enough for a person to wait."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem type, with its status and texts."""

    status: int
    name: str
    title: str
    detail: str


SERVICE_UNAVAILABLE = Problem(
    503,
    "unavailable",
    "Service unavailable",
    "A dependency of this answer failed. This says nothing about you or your data. Try again.",
)
INTERNAL_ERROR = Problem(
    500, "internal-error", "Internal error", "This says nothing about you or your data. Try again."
)
TOO_MANY_REQUESTS = Problem(429, "too-many-requests", "Too many requests", "Try again after the time in Retry-After.")
PROOF_OF_WORK_REQUIRED = Problem(
    429,
    "proof-of-work",
    "Proof of work required",
    "Solve challenge and send the solution in the header Proof-Of-Work, or try again after the time in Retry-After.",
)
QUEUE_REQUIRED = Problem(
    503,
    "crowded",
    "Service busy: please queue",
    "Try again after the time in Retry-After, with ticket in the header Queue-Ticket: it keeps your place in the queue.",
)
INVALID_REQUEST = Problem(422, "invalid-request", "Invalid request", "See errors for the fields that are invalid.")
INVALID_CODE = Problem(422, "invalid-code", "Incorrect code", "Check the code, or request a new one.")

PROBLEMS_BY_ERROR: dict[type[ExposureError], Problem] = {
    InvalidIdentifier: Problem(
        422,
        "invalid-identifier",
        "Invalid identifier",
        "Check the spelling of the email address or phone number.",
    ),
    InvalidValue: Problem(422, "invalid-value", "Invalid value", "Check the spelling."),
    UnknownVerification: Problem(
        404, "unknown-verification", "Unknown verification", "No verification has this id and client secret."
    ),
    VerificationEnded: Problem(
        410,
        "verification-ended",
        "Verification ended",
        "It was used, has expired, or has no tries left. Start a new one.",
    ),
    NotSignedIn: Problem(
        401,
        "no-session",
        "No valid session",
        "The session token is missing, unknown or expired. Verify an identifier first.",
    ),
    ReverificationNeeded: Problem(
        401, "verify-again", "Verification needed again", "The data cannot be read with this session. Verify again."
    ),
    TooManyIdentifiers: Problem(
        409, "too-many-identifiers", "Too many identifiers", "This session cannot hold more identifiers."
    ),
    UnknownExposure: Problem(404, "unknown-exposure", "Unknown exposure", "This session has no exposure with this id."),
    NoticeSuperseded: Problem(
        409, "notice-superseded", "Notice superseded", "Read the newest notice and acknowledge that one."
    ),
    UnknownIncident: Problem(404, "unknown-incident", "Unknown incident", "No incident has this name."),
    WrongHost: Problem(
        400, "wrong-host", "Wrong host", "This service is not reached under the name in the Host header."
    ),
    RequestRateLimited: TOO_MANY_REQUESTS,
    RateLimited: TOO_MANY_REQUESTS,
    ResendTooSoon: TOO_MANY_REQUESTS,
    MustQueue: QUEUE_REQUIRED,
    DependencyUnavailable: SERVICE_UNAVAILABLE,
}

_PROBLEMS_BY_STATUS = {
    404: Problem(404, "not-found", "Not found", "There is nothing at this address."),
    405: Problem(405, "method-not-allowed", "Method not allowed", "This address does not accept this method."),
    413: Problem(413, "too-large", "Request too large", "The request body is over the size limit."),
    415: Problem(
        415, "unsupported-media-type", "Unsupported media type", "Send the media type that this address accepts."
    ),
}


def problem_for_error(error: ExposureError) -> Problem:
    """Return the problem for a domain error; an error without one is an internal error."""
    if isinstance(error, RateLimited) and error.accepts_proof_of_work:
        return PROOF_OF_WORK_REQUIRED
    return next((PROBLEMS_BY_ERROR[base] for base in type(error).__mro__ if base in PROBLEMS_BY_ERROR), INTERNAL_ERROR)


def problem_for_status(status: int) -> Problem:
    """Return the problem for a status code that the framework raised."""
    if status in _PROBLEMS_BY_STATUS:
        return _PROBLEMS_BY_STATUS[status]
    title = HTTPStatus(status).phrase
    return Problem(status, title.lower().replace(" ", "-"), title, "The request cannot be served.")


def headers_for(problem: Problem, error: Exception | None = None) -> dict[str, str]:
    """Return the headers that a problem needs."""
    if isinstance(error, RequestRateLimited):
        return {"Retry-After": str(error.rate_limit_state.reset)}
    if isinstance(error, ResendTooSoon):
        return {"Retry-After": str(error.wait)}
    if isinstance(error, RateLimited | MustQueue):
        return {"Retry-After": str(error.retry_after)}
    if problem.status == 503:
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    if problem.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {}


def problem_response(
    request: Request, problem: Problem, headers: dict[str, str] | None = None, **extensions: object
) -> JSONResponse:
    """Create a problem response."""
    content = {
        "type": f"/problems/{problem.name}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": f"urn:uuid:{request.state.request_id}",
        **extensions,
    }
    return JSONResponse(content, problem.status, headers, MEDIA_TYPE)


def error_response(request: Request, error: Exception) -> JSONResponse:
    """Create the problem response for an error."""
    if isinstance(error, RequestValidationError):
        return problem_response(request, INVALID_REQUEST, errors=[_field_error(detail) for detail in error.errors()])
    if isinstance(error, HTTPException) and error.status_code == 400:  # the body is not text
        return problem_response(request, INVALID_REQUEST, errors=[{"pointer": "", "code": "json_invalid"}])
    if isinstance(error, HTTPException):
        problem = problem_for_status(error.status_code)
    else:
        problem = problem_for_error(error) if isinstance(error, ExposureError) else INTERNAL_ERROR
    extensions: dict[str, object] = {}
    if isinstance(error, InvalidIdentifier | InvalidValue):
        pointer = "/identifier" if isinstance(error, InvalidIdentifier) else "/value"
        extensions["errors"] = [{"pointer": pointer, "code": str(error)}]
    if isinstance(error, RateLimited):  # replaces the state of the route limit, which was not reached
        count, seconds = error.limit.count, int(error.limit.seconds)
        request.state.rate_limit = RateLimitState(error.limit_name, False, count, seconds, 0, error.retry_after)
        if error.accepts_proof_of_work:
            services = services_of(request)
            extensions["challenge"] = services.proof_of_work.create_challenge(now=services.clock())
    if isinstance(error, MustQueue) and error.ticket:
        extensions |= {"ticket": error.ticket, "ahead": error.ahead}
    headers = headers_for(problem, error)
    if problem.status == 405:
        headers["Allow"] = ", ".join(sorted(_allowed_methods(request)))
    return problem_response(request, problem, headers, **extensions)


def _allowed_methods(request: Request) -> set[str]:
    """Return the methods of all routes that match the path (RFC 9110, 15.5.6). Starlette lists those of the first route only."""
    routes = [context.original_route for context in iter_route_contexts(request.app.routes)]
    matching = [
        route for route in routes if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    ]
    return {method for route in matching for method in route.methods or ()}


def _field_error(error: dict[str, Any]) -> dict[str, str]:
    """Convert a validation error. The JSON pointer uses the schema's names, never the names that were sent."""
    location, *path = error["loc"]
    names = [str(name) for name in path if error["type"] != "json_invalid"]
    return {
        "pointer": "".join(f"/{name}" for name in (names if location == "body" else [location, *names])),
        "code": error["type"],
    }

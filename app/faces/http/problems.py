"""Errors as RFC 9457 problems: the one place where what went wrong in a domain becomes a status code.

A problem's texts are fixed ones. Nothing of the input is repeated: not its value, not the name of a key that the caller made up.
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
from app.errors import ExposureError, DependencyUnavailable
from app.exposures import InvalidValue, ReverificationNeeded
from app.faces.http.rate_limited_route import RequestRateLimited
from app.faces.http.services import services_of
from app.incidents import UnknownIncident
from app.rate_limits import MustQueue, RateLimited, RateLimitState
from app.verification import (
    InvalidIdentifier,
    NotSignedIn,
    TooManyIdentifiers,
    ResendTooSoon,
    UnknownVerification,
    VerificationEnded,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
"""What a 503 asks for: long enough for a restart, short enough for a person who waits."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem."""

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
INTERNAL_ERROR = Problem(500, "internal-error", "Internal error", "This says nothing about you or your data. Try again.")
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
INVALID_CODE = Problem(422, "invalid-code", "Incorrect code", "Check the code, or request it again.")

PROBLEMS: dict[type[ExposureError], Problem] = {
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
    RequestRateLimited: TOO_MANY_REQUESTS,
    RateLimited: TOO_MANY_REQUESTS,
    ResendTooSoon: TOO_MANY_REQUESTS,
    MustQueue: QUEUE_REQUIRED,
    DependencyUnavailable: SERVICE_UNAVAILABLE,
}

_BY_STATUS = {
    404: Problem(404, "not-found", "Not found", "There is nothing at this address."),
    405: Problem(405, "method-not-allowed", "Method not allowed", "This address does not accept this method."),
    413: Problem(413, "too-large", "Request too large", "The request body is over the size limit."),
    415: Problem(
        415, "unsupported-media-type", "Unsupported media type", "Send the media type that this address accepts."
    ),
}


def problem_for_error(error: ExposureError) -> Problem:
    """Find what kind of problem an error of a domain is; what nobody foresaw is one on our side."""
    if isinstance(error, RateLimited) and error.accepts_proof_of_work:
        return PROOF_OF_WORK_REQUIRED
    return next((PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS), INTERNAL_ERROR)


def problem_for_status(status: int) -> Problem:
    """Find the problem for a status that the framework came to."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    title = HTTPStatus(status).phrase
    return Problem(status, title.lower().replace(" ", "-"), title, "The request cannot be served.")


def headers_for(problem: Problem, error: Exception | None = None) -> dict[str, str]:
    """Give the headers that a problem needs."""
    if isinstance(error, RequestRateLimited):
        return {"Retry-After": str(error.spent.reset)}
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
    """Write a problem."""
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
    """Write the problem that an error is."""
    if isinstance(error, RequestValidationError):
        return problem_response(request, INVALID_REQUEST, errors=[_place(one) for one in error.errors()])
    if isinstance(error, HTTPException) and error.status_code == 400:  # a body that is not even text
        return problem_response(request, INVALID_REQUEST, errors=[{"pointer": "", "code": "json_invalid"}])
    if isinstance(error, HTTPException):
        problem = problem_for_status(error.status_code)
    else:
        problem = problem_for_error(error) if isinstance(error, ExposureError) else INTERNAL_ERROR
    extensions: dict[str, object] = {}
    if isinstance(error, InvalidIdentifier | InvalidValue):
        pointer = "/identifier" if isinstance(error, InvalidIdentifier) else "/value"
        extensions["errors"] = [{"pointer": pointer, "code": str(error)}]
    if isinstance(error, RateLimited):  # in the headers it takes the place of the budget of calls, which had room
        count, seconds = error.limit.count, int(error.limit.seconds)
        request.state.rate_limit = RateLimitState(error.limit_name, False, count, seconds, 0, error.retry_after)
        if error.accepts_proof_of_work:
            services = services_of(request)
            extensions["challenge"] = services.proof_of_work.create_challenge(now=services.clock())
    if isinstance(error, MustQueue) and error.ticket:
        extensions |= {"ticket": error.ticket, "ahead": error.ahead}
    headers = headers_for(problem, error)
    if problem.status == 405:
        headers["Allow"] = ", ".join(sorted(_methods_here(request)))
    return problem_response(request, problem, headers, **extensions)


def _methods_here(request: Request) -> set[str]:
    """All methods of an address (RFC 9110, 15.5.6), over all routes that have it: the framework names those of the first only."""
    routes = [context.original_route for context in iter_route_contexts(request.app.routes)]
    here = [route for route in routes if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in here for method in route.methods or ()}


def _place(error: dict[str, Any]) -> dict[str, str]:
    """Name the place of a fault by what the schema calls it, never by what was sent."""
    where, *steps = error["loc"]
    named = [str(step) for step in steps if error["type"] != "json_invalid"]
    return {
        "pointer": "".join(f"/{step}" for step in (named if where == "body" else [where, *named])),
        "code": error["type"],
    }

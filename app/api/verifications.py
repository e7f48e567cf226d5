"""Requesting a code, and confirming it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.api.bearer_auth import OptionalToken
from app.api.schemas import RequestModel, ResponseModel, Timestamp, json_response, problem_responses
from app.delivery import Channel
from app.flows import verification
from app.http.client import PROOF_OF_WORK_HEADER, QUEUE_TICKET_HEADER, client_of
from app.http.problems import INVALID_CODE, problem_response
from app.http.rate_limit.route import RateLimitedRoute, rate_limit
from app.http.services import services_of
from app.locales import Locale
from app.rate_limits import RouteLimit
from app.verification import CODE_LENGTH, MAX_TYPED_LENGTH, MalformedCode, VerificationStarted, WrongCode

router = APIRouter(route_class=RateLimitedRoute, tags=["verifications"])

ClientSecret = Annotated[str, Field(min_length=1, max_length=200)]


def _optional_headers(*headers: tuple[str, str]) -> dict[str, Any]:
    """Describe optional request headers for the OpenAPI document."""
    schema = {"type": "string"}
    parameters = [
        {"name": name, "in": "header", "required": False, "description": description, "schema": schema}
        for name, description in headers
    ]
    return {"parameters": parameters}


class VerificationIn(RequestModel):
    """The identifier to verify."""

    channel: Channel
    identifier: Annotated[str, Field(min_length=1, max_length=1000)]
    locale: Locale = "ko"


class ResendIn(RequestModel):
    """The secret of the verification that needs a new code."""

    client_secret: ClientSecret


class ConfirmationIn(RequestModel):
    """The code, and the secret of the verification."""

    code: Annotated[str, Field(min_length=1, max_length=MAX_TYPED_LENGTH)]
    client_secret: ClientSecret


class VerificationOut(ResponseModel):
    """A started verification. The response is the same whether or not the person is affected."""

    id: UUID
    channel: Channel
    code_length: int = CODE_LENGTH
    expires_at: Timestamp
    resend_at: Timestamp
    client_secret: str


class SessionOut(ResponseModel):
    """An access token for a session."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105  the scheme's name (RFC 6750)
    expires_in: int


@router.post(
    "/v1/verifications",
    status_code=202,
    response_model=VerificationOut,
    responses=problem_responses(413, 415, 422),
    openapi_extra=_optional_headers(
        (PROOF_OF_WORK_HEADER, "the solution of a proof-of-work challenge: ALTCHA version 2, in base64"),
        (QUEUE_TICKET_HEADER, "the waiting-room ticket of an earlier 503 response"),
    ),
)
@rate_limit(RouteLimit.VERIFICATIONS)
def start_verification(body: VerificationIn, request: Request) -> Response:
    """Send a code to an email address or a phone. The response does not reveal who is affected."""
    return _verification_response(
        verification.start_verification(
            services_of(request),
            client_of(request),
            body.channel,
            body.identifier,
            body.locale,
            request.headers.get(QUEUE_TICKET_HEADER),
        )
    )


@router.post(
    "/v1/verifications/{id}/resend",
    status_code=202,
    response_model=VerificationOut,
    responses=problem_responses(404, 410, 413, 415, 422),
    openapi_extra=_optional_headers(
        (PROOF_OF_WORK_HEADER, "the solution of a proof-of-work challenge: ALTCHA version 2, in base64")
    ),
)
@rate_limit(RouteLimit.VERIFICATIONS)
def resend_code(id: UUID, body: ResendIn, request: Request) -> Response:  # noqa: A002  the contract's name
    """Send a new code. The previous code becomes invalid."""
    return _verification_response(
        verification.resend_code(services_of(request), client_of(request), id, body.client_secret)
    )


@router.post(
    "/v1/verifications/{id}/confirm",
    response_model=SessionOut,
    responses=problem_responses(401, 404, 409, 410, 413, 415, 422),
    openapi_extra={"security": [{}]},  # in addition to the Bearer scheme: the token is optional
)
@rate_limit(RouteLimit.CONFIRMATIONS)
def confirm_verification(
    id: UUID,  # noqa: A002  the contract's name
    body: ConfirmationIn,
    request: Request,
    token: OptionalToken,
) -> Response:
    """Confirm a code. Creates a session. With the Bearer token of a session, the new one also has its identifiers, and that token becomes invalid.

    The code may have spaces, dashes and the digits of any script. Text that cannot be a code does not count as a try.
    """
    services = services_of(request)
    outcome = verification.confirm_code(
        services, client_of(request), id, body.client_secret, body.code, lambda _: token
    )
    if isinstance(outcome, MalformedCode):
        errors = [{"pointer": "/code", "code": "not-a-code"}]
        return problem_response(request, INVALID_CODE, errors=errors, tries_left=outcome.tries_left)
    if isinstance(outcome, WrongCode):
        return problem_response(request, INVALID_CODE, tries_left=outcome.tries_left)
    seconds = int((outcome.expires_at - services.clock()).total_seconds())
    return json_response(SessionOut(access_token=outcome.token, expires_in=seconds))


def _verification_response(started: VerificationStarted) -> Response:
    body = VerificationOut(
        id=started.id,
        channel=started.destination.channel,
        expires_at=started.expires_at,
        resend_at=started.resend_at,
        client_secret=started.client_secret,
    )
    return json_response(body, 202)

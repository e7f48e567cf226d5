"""Acknowledging a notice, and the signed receipts."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.acknowledgements import Receipt
from app.api.bearer_auth import Token
from app.api.schemas import RequestModel, ResponseModel, json_response, problem_responses
from app.flows.exposure_report import acknowledge_notices, load_receipts
from app.http.rate_limit.route import RateLimitedRoute, rate_limit
from app.http.services import services_of
from app.locales import Locale
from app.rate_limits import RouteLimit

router = APIRouter(route_class=RateLimitedRoute, tags=["acknowledgements"])


class AcknowledgementIn(RequestModel):
    """The exposure and the version of its notice that the person has read."""

    exposure_id: Annotated[str, Field(min_length=1, max_length=100)]
    notice_version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    locale: Locale


class ReceiptOut(ResponseModel):
    """A signed receipt. Check it with `exposure receipt verify`, or with any Ed25519 library."""

    kid: str
    payload: str
    signature: str


class ReceiptsOut(ResponseModel):
    """The receipts of this person."""

    acknowledgements: list[ReceiptOut]


class ReceiptKeyOut(ResponseModel):
    """A public key that receipts are checked with."""

    kid: str
    alg: str = "Ed25519"
    public_key: str


class ReceiptKeysOut(ResponseModel):
    """All public keys that receipts are checked with."""

    keys: list[ReceiptKeyOut]


@router.post(
    "/v1/acknowledgements",
    status_code=201,
    response_model=ReceiptOut,
    responses={
        200: {"model": ReceiptOut, "description": "Acknowledged before"},
        **problem_responses(401, 404, 409, 413, 415, 422),
    },
)
@rate_limit(RouteLimit.OTHER)
def acknowledge(body: AcknowledgementIn, request: Request, token: Token) -> Response:
    """Record that the person has read a notice. This waives no right, and no right depends on it."""
    [(_, acknowledgement)] = acknowledge_notices(
        services_of(request), token, [body.exposure_id], body.notice_version, body.locale
    )
    return json_response(_receipt_out(acknowledgement.receipt), 201 if acknowledgement.created else 200, personal=True)


@router.get("/v1/acknowledgements", response_model=ReceiptsOut, responses=problem_responses(401))
@rate_limit(RouteLimit.OTHER)
def list_acknowledgements(request: Request, token: Token) -> Response:
    """List the receipts of this person."""
    receipts = load_receipts(services_of(request), token)
    body = ReceiptsOut(acknowledgements=[_receipt_out(receipt) for receipt in receipts])
    return json_response(body, personal=True)


@router.get("/v1/receipt-keys", responses=problem_responses())
@rate_limit(RouteLimit.OTHER)
def list_receipt_keys(response: Response, request: Request) -> ReceiptKeysOut:
    """List the public keys that receipts are checked with."""
    services = services_of(request)
    response.headers["Cache-Control"] = "public, max-age=3600"
    key = services.acknowledgements.signer.key
    return ReceiptKeysOut(keys=[ReceiptKeyOut(kid=key.kid, public_key=key.public_key)])


def _receipt_out(receipt: Receipt) -> ReceiptOut:
    return ReceiptOut(kid=receipt.kid, payload=receipt.payload, signature=receipt.signature)

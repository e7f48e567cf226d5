"""Acknowledging a notice, and the signed receipts."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.acknowledgements import Receipt, UnknownExposure
from app.db import Reader
from app.exposures import Exposure, exposure_id
from app.faces.api.bearer_auth import Token
from app.faces.api.schemas import RequestModel, ResponseModel, json_response, problem_responses
from app.faces.http.auth import identifier_digests_of, read_as_principal
from app.faces.http.rate_limited_route import RateLimitedRoute, rate_limit
from app.faces.http.services import services_of
from app.incidents import Notice
from app.locales import Locale
from app.rate_limits import RouteLimit
from app.verification import Principal

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
    services = services_of(request)

    def find(db: Reader, principal: Principal) -> tuple[Exposure, Notice]:
        for exposure in services.exposures.find(db, identifier_digests_of(principal)).exposures:
            if exposure_id(principal.session_key, exposure) == body.exposure_id:
                return exposure, services.incident_cache.get_all(db)[exposure.incident].notices[body.locale]
        raise UnknownExposure("not an exposure of this session")

    exposure, notice = read_as_principal(services, token, find)
    with services.database.write() as db:
        result = services.acknowledgements.acknowledge(db, exposure, notice, body.notice_version, now=services.clock())
    return json_response(_receipt_out(result.receipt), 201 if result.created else 200, personal=True)


@router.get("/v1/acknowledgements", response_model=ReceiptsOut, responses=problem_responses(401))
@rate_limit(RouteLimit.OTHER)
def list_acknowledgements(request: Request, token: Token) -> Response:
    """List the receipts of this person."""
    services = services_of(request)

    def read(db: Reader, principal: Principal) -> ReceiptsOut:
        exposures = services.exposures.find(db, identifier_digests_of(principal)).exposures
        receipts = services.acknowledgements.receipts_for_exposures(db, exposures)
        return ReceiptsOut(acknowledgements=[_receipt_out(receipt) for receipt in receipts])

    return json_response(read_as_principal(services, token, read), personal=True)


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

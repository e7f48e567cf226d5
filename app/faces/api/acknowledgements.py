"""Saying that a notice was read, and the receipts for it."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from app.acknowledgements import Receipt, UnknownExposure
from app.exposures import exposure_id
from app.faces.api.bearer import Token
from app.faces.api.schemas import In, Out, problems
from app.faces.http.identity import identity_of, proofs_of
from app.faces.http.limited import LimitedRoute, spends
from app.faces.http.services import ServicesOf
from app.incidents import Locale
from app.limits import Budget

router = APIRouter(route_class=LimitedRoute, tags=["acknowledgements"])


class AcknowledgementIn(In):
    """Which exposure's notice was read."""

    exposure_id: Annotated[str, Field(min_length=1, max_length=100)]
    notice_version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    locale: Locale


class ReceiptOut(Out):
    """A receipt: check it with `exposure receipt verify`, or any Ed25519 library."""

    kid: str
    payload: str
    signature: str


class ReceiptsOut(Out):
    """One's own receipts."""

    acknowledgements: list[ReceiptOut]


class ReceiptKeyOut(Out):
    """A public key."""

    kid: str
    alg: str = "Ed25519"
    public_key: str


class ReceiptKeysOut(Out):
    """The public keys."""

    keys: list[ReceiptKeyOut]


@router.post(
    "/v1/acknowledgements",
    status_code=201,
    responses={
        200: {"model": ReceiptOut, "description": "Acknowledged before"},
        **problems(401, 404, 409, 413, 415, 422),
    },
)
@spends(Budget.OTHER)
def acknowledge(body: AcknowledgementIn, response: Response, services: ServicesOf, token: Token) -> ReceiptOut:
    """Record that a notice was read. It waives nothing, and no right depends on it."""
    with services.database.write() as session:
        identity = identity_of(services, session, token)
        exposures = services.exposures.find(session, proofs_of(identity)).exposures
        own = next((one for one in exposures if exposure_id(identity.key, one) == body.exposure_id), None)
        if own is None:
            raise UnknownExposure("none of this session")
        kept = services.acknowledgements.acknowledge(
            session, own, body.notice_version, body.locale, now=services.clock()
        )
    if not kept.new:
        response.status_code = 200
    return _receipt(kept.receipt)


@router.get("/v1/acknowledgements", responses=problems(401))
@spends(Budget.OTHER)
def list_acknowledgements(services: ServicesOf, token: Token) -> ReceiptsOut:
    """Read one's own receipts."""
    with services.database.read() as session:
        identity = identity_of(services, session, token)
        exposures = services.exposures.find(session, proofs_of(identity)).exposures
        receipts = services.acknowledgements.receipts(session, exposures)
    return ReceiptsOut(acknowledgements=[_receipt(one) for one in receipts])


@router.get("/v1/receipt-keys", responses=problems())
@spends(Budget.OTHER)
def list_receipt_keys(response: Response, services: ServicesOf) -> ReceiptKeysOut:
    """Read the public keys by which receipts are checked."""
    response.headers["Cache-Control"] = "public, max-age=3600"
    key = services.acknowledgements.signer.key
    return ReceiptKeysOut(keys=[ReceiptKeyOut(kid=key.kid, public_key=key.public_key)])


def _receipt(receipt: Receipt) -> ReceiptOut:
    return ReceiptOut(kid=receipt.kid, payload=receipt.payload, signature=receipt.signature)

"""The last step: saying that the notice was read, and the receipts for it. It waives nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Form, Request, Response

from app.acknowledgements import NoticeSuperseded, Receipt, UnknownExposure, decode_base64url
from app.db import Reader
from app.exposures import Exposure, exposure_id
from app.faces.http.auth import identifier_digests_of, read_as_principal
from app.faces.http.rate_limited_route import rate_limit
from app.faces.http.padding import pad_response
from app.faces.http.services import Services, services_of
from app.faces.web.answer import render_answer_page, require_session_token
from app.faces.web.language import locale_of, texts_of
from app.faces.web.pages import render_page, redirect
from app.faces.web.routing import create_page_router
from app.incidents import Notice, LocalizedText
from app.rate_limits import RouteLimit
from app.verification import Principal

router = create_page_router()

Names = Annotated[list[str] | None, Form()]


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt in words."""

    title: LocalizedText
    version: int
    at: datetime
    statement: str
    locale: str


Chosen = tuple[Exposure, Notice]
"""One exposure, with the notice that was read of it."""


@router.post("/acknowledge")
@rate_limit(RouteLimit.OTHER)
def acknowledge(
    request: Request,
    exposure: Names = None,
    notice_version: Annotated[str, Form()] = "",
) -> Response:
    """Record that the notice of some of the person's exposures was read: all of them, or none."""
    services = services_of(request)
    token, texts = require_session_token(request), texts_of(request).notice
    version = int(notice_version) if notice_version.isascii() and notice_version.isdigit() else 0
    now = services.clock()

    def find(session: Reader, principal: Principal) -> dict[str, Chosen]:
        found = services.exposures.find(session, identifier_digests_of(principal)).exposures
        known = services.incident_cache.get_all(session)
        return {exposure_id(principal.session_key, one): (one, known[one.incident].notices[locale_of(request)]) for one in found}

    try:
        chosen = _chosen(read_as_principal(services, token, find), exposure or [])
        with services.database.write() as session:
            for one, notice in chosen:
                services.acknowledgements.acknowledge(session, one, notice, version, now=now)
    except UnknownExposure:
        return render_answer_page(request, services, status=404, alert=texts.stale)
    except NoticeSuperseded:
        return render_answer_page(request, services, status=409, alert=texts.superseded)
    return redirect(f"/answer#read-{chosen[0][0].incident}")


@router.get("/receipts")
@rate_limit(RouteLimit.OTHER)
def show_receipts(request: Request) -> Response:
    """Show the person's receipts in words."""
    services = services_of(request)
    receipts = _receipts(request, services)
    titles = {slug: one.incident.title for slug, one in services.database.optimistic_read(services.incident_cache.get_all).items()}
    in_words = [_in_words(one, titles) for one in receipts]
    return render_page(request, "receipts.html", current_path="/receipts", is_personal=True, receipts=in_words)


@router.get("/receipts/{number}")
@rate_limit(RouteLimit.OTHER)
def download_receipt(request: Request, number: str) -> Response:
    """Hand out one receipt as the file that `exposure receipt verify` takes; they are numbered by age, from 1."""
    services = services_of(request)
    receipts = _receipts(request, services)
    known = {str(place): one for place, one in enumerate(receipts, 1)}
    if number not in known:
        raise UnknownExposure("no such receipt")
    headers = {"Content-Disposition": f'attachment; filename="receipt-{number}.json"'}
    content = json.dumps(asdict(known[number]), indent=1).encode() + b"\n"
    return Response(pad_response(content), media_type="application/json", headers=headers)


def _chosen(own: Mapping[str, Chosen], names: Sequence[str]) -> list[Chosen]:
    if not names or not own.keys() >= set(names):
        raise UnknownExposure("none of this session")
    return [own[name] for name in dict.fromkeys(names)]


def _receipts(request: Request, services: Services) -> list[Receipt]:
    def read(session: Reader, principal: Principal) -> list[Receipt]:
        found = services.exposures.find(session, identifier_digests_of(principal)).exposures
        return services.acknowledgements.receipts_for_exposures(session, found)

    return read_as_principal(services, require_session_token(request), read)


def _in_words(receipt: Receipt, titles: dict[str, LocalizedText]) -> ReceiptView:
    content = json.loads(decode_base64url(receipt.payload))
    return ReceiptView(
        title=titles[content["incident"]],
        version=content["notice_version"],
        at=datetime.fromisoformat(content["acknowledged_at"]),
        statement=content["statement"],
        locale=content["locale"],
    )

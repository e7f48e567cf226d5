"""Step four: acknowledge that the notice was read, and download receipts. An acknowledgement is never a waiver."""

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
from app.faces.http.padding import pad_response
from app.faces.http.rate_limited_route import rate_limit
from app.faces.http.services import Services, services_of
from app.faces.web.answer import render_answer_page, require_session_token
from app.faces.web.language import locale_of, texts_of
from app.faces.web.pages import redirect, render_page
from app.faces.web.routing import create_page_router
from app.incidents import LocalizedText, Notice
from app.rate_limits import RouteLimit
from app.verification import Principal

router = create_page_router()

ExposureIds = Annotated[list[str] | None, Form()]


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A decoded receipt, as the page shows it."""

    title: LocalizedText
    version: int
    acknowledged_at: datetime
    statement: str
    locale: str


ExposureNotice = tuple[Exposure, Notice]
"""An exposure and its incident's notice in the language of the page."""


@router.post("/acknowledge")
@rate_limit(RouteLimit.OTHER)
def acknowledge(
    request: Request,
    exposure: ExposureIds = None,
    notice_version: Annotated[str, Form()] = "",
) -> Response:
    """Acknowledge the notice of the selected exposures: all of them or none."""
    services = services_of(request)
    token, texts = require_session_token(request), texts_of(request).notice
    version = int(notice_version) if notice_version.isascii() and notice_version.isdigit() else 0
    now = services.clock()

    def find_exposures(db: Reader, principal: Principal) -> dict[str, ExposureNotice]:
        exposures = services.exposures.find(db, identifier_digests_of(principal)).exposures
        incidents = services.incident_cache.get_all(db)
        locale = locale_of(request)
        return {
            exposure_id(principal.session_key, item): (item, incidents[item.incident].notices[locale])
            for item in exposures
        }

    try:
        selected = _select(read_as_principal(services, token, find_exposures), exposure or [])
        with services.database.write() as db:
            for item, notice in selected:
                services.acknowledgements.acknowledge(db, item, notice, version, now=now)
    except UnknownExposure:
        return render_answer_page(request, services, status=404, alert=texts.answer_changed)
    except NoticeSuperseded:
        return render_answer_page(request, services, status=409, alert=texts.superseded)
    return redirect(f"/answer#read-{selected[0][0].incident}")


@router.get("/receipts")
@rate_limit(RouteLimit.OTHER)
def show_receipts(request: Request) -> Response:
    """Show all receipts of the session."""
    services = services_of(request)
    receipts = _load_receipts(request, services)
    incidents = services.database.optimistic_read(services.incident_cache.get_all)
    titles = {slug: cached.incident.title for slug, cached in incidents.items()}
    views = [_receipt_view(receipt, titles) for receipt in receipts]
    return render_page(request, "receipts.html", current_path="/receipts", is_personal=True, receipts=views)


@router.get("/receipts/{number}")
@rate_limit(RouteLimit.OTHER)
def download_receipt(request: Request, number: str) -> Response:
    """Return a receipt as a file for `exposure receipt verify`. Receipts are numbered from 1, oldest first."""
    services = services_of(request)
    receipts = {str(index): receipt for index, receipt in enumerate(_load_receipts(request, services), 1)}
    if number not in receipts:
        raise UnknownExposure("no such receipt")
    headers = {"Content-Disposition": f'attachment; filename="receipt-{number}.json"'}
    content = json.dumps(asdict(receipts[number]), indent=1).encode() + b"\n"
    return Response(pad_response(content), media_type="application/json", headers=headers)


def _select(exposures: Mapping[str, ExposureNotice], ids: Sequence[str]) -> list[ExposureNotice]:
    if not ids or not exposures.keys() >= set(ids):
        raise UnknownExposure("not an exposure of this session")
    return [exposures[selected_id] for selected_id in dict.fromkeys(ids)]


def _load_receipts(request: Request, services: Services) -> list[Receipt]:
    def read(db: Reader, principal: Principal) -> list[Receipt]:
        exposures = services.exposures.find(db, identifier_digests_of(principal)).exposures
        return services.acknowledgements.receipts_for_exposures(db, exposures)

    return read_as_principal(services, require_session_token(request), read)


def _receipt_view(receipt: Receipt, titles: Mapping[str, LocalizedText]) -> ReceiptView:
    payload = json.loads(decode_base64url(receipt.payload))
    return ReceiptView(
        title=titles[payload["incident"]],
        version=payload["notice_version"],
        acknowledged_at=datetime.fromisoformat(payload["acknowledged_at"]),
        statement=payload["statement"],
        locale=payload["locale"],
    )

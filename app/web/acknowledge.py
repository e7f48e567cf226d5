"""Step four: acknowledge that the notice was read, and download receipts. An acknowledgement is never a waiver."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Form, Request, Response

from app.acknowledgements import NoticeSuperseded, Receipt, UnknownExposure, decode_base64url
from app.flows.exposure_report import acknowledge_notices, load_receipts
from app.http.padding import MIN_PAGE_BLOCKS, pad_response
from app.http.rate_limit.route import rate_limit
from app.http.services import services_of
from app.incidents.schema import LocalizedText
from app.rate_limits import RouteLimit
from app.web.answer import render_answer_page, require_session_token
from app.web.language import locale_of, texts_of
from app.web.pages import redirect, render_page
from app.web.routing import create_page_router

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
    version = int(notice_version) if re.fullmatch("[0-9]{1,9}", notice_version) else 0
    try:
        acknowledged = acknowledge_notices(services, token, exposure or [], version, locale_of(request))
    except UnknownExposure:
        return render_answer_page(request, services, status=404, alert=texts.answer_changed)
    except NoticeSuperseded:
        return render_answer_page(request, services, status=409, alert=texts.superseded)
    return redirect(f"/answer#read-{acknowledged[0][0].incident}")


@router.get("/receipts")
@rate_limit(RouteLimit.OTHER)
def show_receipts(request: Request) -> Response:
    """Show all receipts of the session."""
    services = services_of(request)
    receipts = load_receipts(services, require_session_token(request))
    incidents = services.database.optimistic_read(services.incident_cache.get_all)
    titles = {slug: cached.incident.title for slug, cached in incidents.items()}
    views = [_receipt_view(receipt, titles) for receipt in receipts]
    return render_page(request, "receipts.html", current_path="/receipts", min_blocks=MIN_PAGE_BLOCKS, receipts=views)


@router.get("/receipts/{number}")
@rate_limit(RouteLimit.OTHER)
def download_receipt(request: Request, number: str) -> Response:
    """Return a receipt as a file for `exposure receipt verify`. Receipts are numbered from 1, oldest first."""
    services = services_of(request)
    receipts = {
        str(index): receipt for index, receipt in enumerate(load_receipts(services, require_session_token(request)), 1)
    }
    if number not in receipts:
        raise UnknownExposure("no such receipt")
    headers = {"Content-Disposition": f'attachment; filename="receipt-{number}.json"'}
    content = json.dumps(asdict(receipts[number]), indent=1).encode() + b"\n"
    return Response(pad_response(content), media_type="application/json", headers=headers)


def _receipt_view(receipt: Receipt, titles: Mapping[str, LocalizedText]) -> ReceiptView:
    payload = json.loads(decode_base64url(receipt.payload))
    return ReceiptView(
        title=titles[payload["incident"]],
        version=payload["notice_version"],
        acknowledged_at=datetime.fromisoformat(payload["acknowledged_at"]),
        statement=payload["statement"],
        locale=payload["locale"],
    )

"""The stylesheet and the icon. The stylesheet is cached for a year; its URL contains a hash of its content."""

import hashlib
from pathlib import Path

from fastapi import Response
from starlette.exceptions import HTTPException

from app.http.rate_limit.route import rate_limit
from app.rate_limits import RouteLimit
from app.web.routing import create_page_router

router = create_page_router()

_STATIC_DIR = Path(__file__).with_name("static")
_MEDIA_TYPES = {"site.css": "text/css", "icon.svg": "image/svg+xml"}
_CONTENTS = {name: (_STATIC_DIR / name).read_bytes() for name in _MEDIA_TYPES}

STYLESHEET_URL = f"/static/site.css?v={hashlib.sha256(_CONTENTS['site.css']).hexdigest()[:12]}"


@router.get("/static/{name}")
@rate_limit(RouteLimit.OTHER)
def get_asset(name: str) -> Response:
    """Serve the stylesheet or the icon."""
    if name not in _CONTENTS:
        raise HTTPException(404)
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if name == "site.css" else "public, max-age=86400"
    }
    return Response(_CONTENTS[name], media_type=_MEDIA_TYPES[name], headers=headers)

"""The stylesheet and the icon: served from here, cached for long, changed by changing their address."""

import hashlib
from pathlib import Path

from fastapi import Response
from starlette.exceptions import HTTPException

from app.faces.http.rate_limited_route import rate_limit
from app.faces.web.routing import create_page_router
from app.rate_limits import RouteLimit

router = create_page_router()

_FOLDER = Path(__file__).with_name("static")
_MEDIA_TYPES = {"site.css": "text/css", "icon.svg": "image/svg+xml"}
_CONTENT = {name: (_FOLDER / name).read_bytes() for name in _MEDIA_TYPES}

STYLE = f"/static/site.css?v={hashlib.sha256(_CONTENT['site.css']).hexdigest()[:12]}"


@router.get("/static/{name}")
@rate_limit(RouteLimit.OTHER)
def get_asset(name: str) -> Response:
    """Serve one of the two."""
    if name not in _CONTENT:
        raise HTTPException(404)
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if name == "site.css" else "public, max-age=86400"
    }
    return Response(_CONTENT[name], media_type=_MEDIA_TYPES[name], headers=headers)

"""The router of all pages: rate limited, absent from the OpenAPI document, closed to forms on other sites.

Session cookies are SameSite=Strict, so a form on another site is sent without them. Such forms are rejected even where no session is needed.
"""

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException

from app.http.rate_limit.route import RateLimitedRoute


def reject_cross_site_posts(request: Request) -> None:
    """Reject a form that was submitted from another site.

    1. If the browser sends Sec-Fetch-Site, that decides. A sibling domain ("same-site") counts as another site.
    2. Otherwise (older browsers, plain http) Origin must match Host. ``null`` is what a sandboxed frame of any site sends. Our pages do not: their
       ``Referrer-Policy`` is ``same-origin``. Without Origin (no browser of today) only the SameSite cookies protect.

    Raises:
        HTTPException: 403.
    """
    if request.method != "POST":
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:  # (1)
        if site not in ("same-origin", "none"):
            raise HTTPException(403)
        return
    origin, host = request.headers.get("origin"), request.headers.get("host", "")  # (2)
    if origin is not None and origin not in (f"https://{host}", f"http://{host}"):
        raise HTTPException(403)


def create_page_router() -> APIRouter:
    """Create a router for pages."""
    return APIRouter(
        route_class=RateLimitedRoute, include_in_schema=False, dependencies=[Depends(reject_cross_site_posts)]
    )

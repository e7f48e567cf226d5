"""What every page's route has in common: a budget, no place in the API's document, and no requests from other sites.

Cookies are SameSite=Strict, so another site's form arrives without them; this refuses it even where none is needed.
"""

from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException

from app.faces.http.rate_limited_route import RateLimitedRoute


def refuse_other_sites(request: Request) -> None:
    """Refuse a form that another site sent.

    1. A browser that says where a request comes from (Sec-Fetch-Site) is believed; a sister domain is another site.
    2. One that does not, or asks over plain http, gives an Origin, which is ours or none. It is ``null`` by our own ``Referrer-Policy:
       no-referrer`` too; then the cookies alone decide.

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
    origin = request.headers.get("origin", "null")  # (2)
    if origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403)


def create_page_router() -> APIRouter:
    """Make the router of some pages."""
    return APIRouter(route_class=RateLimitedRoute, include_in_schema=False, dependencies=[Depends(refuse_other_sites)])

"""Customers' pages: plain forms in Korean and English that need no script.

The journey is identifier → code → answer → acknowledgement, a file for each step. Identifiers, codes and tokens travel in bodies and in cookies
that no script reads, never in an address. A failure is shown as a failure: no page here takes it for an answer.
"""

from fastapi import APIRouter

from app.faces.web import acknowledging, answering, assets, codes, leaving, starting, stopping
from app.faces.web.errors import error_page, wants_page

__all__ = ["ROUTERS", "error_page", "wants_page"]

ROUTERS: tuple[APIRouter, ...] = (
    starting.router,
    codes.router,
    answering.router,
    acknowledging.router,
    leaving.router,
    stopping.router,
    assets.router,
)

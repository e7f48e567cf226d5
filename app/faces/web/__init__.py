"""Customers' pages: plain forms in Korean and English that need no script.

The journey is identifier → code → answer → acknowledgement, a file for each step. Identifiers, codes and tokens travel in bodies and in cookies
that no script reads, never in an address. A failure is shown as a failure: no page here takes it for an answer.
"""

from fastapi import APIRouter

from app.faces.web import assets, stopping
from app.faces.web import sign_out
from app.faces.web import acknowledge
from app.faces.web import answer
from app.faces.web import code
from app.faces.web import start
from app.faces.web.errors import error_page, wants_html

__all__ = ["ROUTERS", "error_page", "wants_html"]

ROUTERS: tuple[APIRouter, ...] = (
    start.router,
    code.router,
    answer.router,
    acknowledge.router,
    sign_out.router,
    stopping.router,
    assets.router,
)

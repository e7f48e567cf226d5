"""Web pages for customers: plain HTML forms in Korean and English that work without JavaScript.

The steps are identifier, code, answer and acknowledgement, with one module for each. Identifiers, codes and tokens travel in request bodies and in
HttpOnly cookies, never in a URL. An error is always shown as an error, never as an answer.
"""

from fastapi import APIRouter

from app.web import acknowledge, answer, assets, code, sign_out, start
from app.web.errors import error_page, wants_html

__all__ = ["ROUTERS", "error_page", "wants_html"]

ROUTERS: tuple[APIRouter, ...] = (
    start.router,
    code.router,
    answer.router,
    acknowledge.router,
    sign_out.router,
    assets.router,
)

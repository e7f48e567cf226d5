"""The JSON API, ``/v1``: one file for each domain."""

from fastapi import APIRouter

from app.faces.api import acknowledgements, exposures, incidents, verifications
from app.faces.api import opt_out
from app.faces.api import session
from app.faces.api import health

ROUTERS: tuple[APIRouter, ...] = (
    exposures.router,
    verifications.router,
    acknowledgements.router,
    incidents.router,
    session.router,
    opt_out.router,
    health.router,
)
"""They are tried in this order: the busiest first."""

METRICS_ROUTER = health.metrics_router
"""Only where a token is configured."""

"""The JSON API, ``/v1``: one file per resource."""

from fastapi import APIRouter

from app.api import acknowledgements, exposures, health, incidents, opt_out, session, verifications

ROUTERS: tuple[APIRouter, ...] = (
    exposures.router,
    verifications.router,
    acknowledgements.router,
    incidents.router,
    session.router,
    opt_out.router,
    health.router,
)
"""Matched in this order: the busiest first."""

METRICS_ROUTER = health.metrics_router
"""Included only if a metrics token is configured."""

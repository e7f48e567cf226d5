"""The JSON API, ``/v1``: one file for each domain."""

from fastapi import APIRouter

from app.faces.api import acknowledgements, exposures, incidents, operations, sessions, stopping, verifications

ROUTERS: tuple[APIRouter, ...] = (
    exposures.router,
    verifications.router,
    acknowledgements.router,
    incidents.router,
    sessions.router,
    stopping.router,
    operations.router,
)
"""They are tried in this order: the busiest first."""

METRICS = operations.metrics_router
"""Only where a token is configured."""

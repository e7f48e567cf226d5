"""The JSON API, ``/v1``: one file for each domain."""

from fastapi import APIRouter

from app.faces.api import acknowledgements, exposures, incidents, operations, sessions, verifications

ROUTERS: tuple[APIRouter, ...] = (
    incidents.router,
    verifications.router,
    exposures.router,
    acknowledgements.router,
    sessions.router,
    operations.router,
)

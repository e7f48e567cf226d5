"""For those who keep the service running."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from app.faces.api.schemas import Out, problems
from app.faces.http.limited import LimitedRoute, spends
from app.faces.http.services import services_of
from app.limits import Budget

router = APIRouter(route_class=LimitedRoute, tags=["operations"])


class StatusOut(Out):
    """How the service is."""

    status: Literal["alive", "ready"]


@router.get("/healthz", responses=problems())
@spends(Budget.OTHER)
async def is_alive() -> StatusOut:
    """Say that the process answers, even while all of its threads wait."""
    return StatusOut(status="alive")


@router.get("/readyz", responses=problems())
@spends(Budget.OTHER)
def is_ready(request: Request) -> StatusOut:
    """Say that an answer could be given now: database, keyholder, store keys and the sentinel of every data set."""
    services = services_of(request)
    services.keyholder.reach()
    services.database.answer(lambda session: services.register.look_up(session, []))
    return StatusOut(status="ready")


@router.get("/v1/openapi.json", include_in_schema=False)
@spends(Budget.OTHER)
def describe(request: Request) -> JSONResponse:
    """Describe this API (OpenAPI 3.1)."""
    return JSONResponse(request.app.openapi(), headers={"Cache-Control": "public, max-age=3600"})

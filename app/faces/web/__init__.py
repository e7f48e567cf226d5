"""Customers' pages."""

from fastapi import APIRouter, Request
from starlette.responses import Response

ROUTERS: tuple[APIRouter, ...] = ()


def wants_page(request: Request) -> bool:
    """Tell."""
    return False


def error_page(request: Request, problem: Response) -> Response:
    """Page."""
    return problem

"""What the calls are held against: a bare FastAPI application with one route that does one asynchronous SELECT.

SQLAlchemy's asynchronous engine, psycopg and its pool, uvicorn with the settings of `exposure serve`. Run as ``python -m benchmarks.baseline URL``.
"""

import sys

import uvicorn
from fastapi import FastAPI
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.faces.cli.uvicorn_runner import listen


def baseline_app(url: str) -> FastAPI:
    """Build the application."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+psycopg"), pool_size=20)
    query = text("SELECT slug FROM incidents WHERE slug = :slug")
    app = FastAPI(openapi_url=None)

    @app.get("/baseline")
    async def read() -> dict[str, str]:
        """Read one row by its key."""
        async with engine.connect() as connection:
            slug = (await connection.execute(query, {"slug": "sample-2025"})).scalar_one()
        return {"slug": slug}

    return app


def main() -> None:
    """Serve it, and say where."""
    with listen("127.0.0.1", 0) as listening:
        print(listening.getsockname()[1], flush=True)
        config = uvicorn.Config(
            baseline_app(sys.argv[1]), log_config=None, access_log=False, server_header=False, proxy_headers=False
        )
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()

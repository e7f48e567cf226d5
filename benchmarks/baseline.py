"""The reference for request benchmarks: a bare FastAPI application with one route that runs one asynchronous SELECT.

It uses SQLAlchemy's asynchronous engine, psycopg with a connection pool, and uvicorn with the settings of `exposure serve`.

    python -m benchmarks.baseline DATABASE_URL
"""

import sys

import uvicorn
from fastapi import FastAPI
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.cli.uvicorn_runner import listen


def create_baseline_app(database_url: str) -> FastAPI:
    """Create the application."""
    engine = create_async_engine(make_url(database_url).set(drivername="postgresql+psycopg"), pool_size=20)
    query = text("SELECT slug FROM incidents WHERE slug = :slug")
    app = FastAPI(openapi_url=None)

    @app.get("/baseline")
    async def read_slug() -> dict[str, str]:
        """Read one row by its key."""
        async with engine.connect() as connection:
            slug = (await connection.execute(query, {"slug": "sample-2025"})).scalar_one()
        return {"slug": slug}

    return app


def main() -> None:
    """Serve the application on a free port, and print the port."""
    with listen("127.0.0.1", 0) as listening_socket:
        print(listening_socket.getsockname()[1], flush=True)
        config = uvicorn.Config(
            create_baseline_app(sys.argv[1]),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        uvicorn.Server(config).run(sockets=[listening_socket])


if __name__ == "__main__":
    main()

"""A server has a connection for each concurrent request, and one for background jobs."""

import asyncio
import threading
from collections.abc import Callable

from sqlalchemy import text

from app.db import Database
from tests.support.deployment import Deployment


def test_a_server_handles_as_many_requests_as_it_has_connections(
    make_deployment: Callable[..., Deployment], sqlite_url: str
) -> None:
    app = make_deployment(database_url=sqlite_url, database_pool=5).app

    async def request_threads() -> set[str]:
        async with app.router.lifespan_context(app):
            loop = asyncio.get_running_loop()
            barrier = threading.Barrier(4)
            names = [loop.run_in_executor(None, thread_name, barrier) for _ in range(8)]
            return set(await asyncio.gather(*names))

    assert len(asyncio.run(request_threads())) == 4


def thread_name(barrier: threading.Barrier) -> str:
    barrier.wait(60)
    return threading.current_thread().name


def test_all_connections_of_a_pool_are_used_and_further_callers_wait(database_url: str) -> None:
    database = Database(database_url, pool_size=2)
    barrier = threading.Barrier(2)
    results: list[int] = []

    def read() -> None:
        with database.read() as db:
            results.append(int(db.execute(text("SELECT 1")).scalar_one()))
            barrier.wait(60)  # passes only if both connections are in use at once

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [1] * 6
    assert database.engine.pool.status().startswith("Pool size: 2 ")
    database.close()

"""A server has a connection for each request that it works on at once, and one for what it does in the background."""

import asyncio
import threading
from collections.abc import Callable

from sqlalchemy import text

from app.db import Database
from tests.support.deployment import Deployment


def test_a_server_works_on_as_many_requests_as_it_has_connections_for(
    make_deployment: Callable[..., Deployment], sqlite_url: str
) -> None:
    app = make_deployment(database_url=sqlite_url, database_pool=5).app

    async def threads() -> set[str]:
        async with app.router.lifespan_context(app):
            loop = asyncio.get_running_loop()
            together = threading.Barrier(4)
            names = [loop.run_in_executor(None, name, together) for _ in range(8)]
            return set(await asyncio.gather(*names))

    assert len(asyncio.run(threads())) == 4


def name(together: threading.Barrier) -> str:
    together.wait(60)
    return threading.current_thread().name


def test_all_connections_of_a_pool_can_be_had_and_more_wait(database_url: str) -> None:
    database = Database(database_url, pool_size=2)
    both = threading.Barrier(2)
    answers: list[int] = []

    def read() -> None:
        with database.read() as db:
            answers.append(int(db.execute(text("SELECT 1")).scalar_one()))
            both.wait(60)  # nobody gets on but with another: both connections are out at once

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [1] * 6
    assert database.engine.pool.status().startswith("Pool size: 2 ")
    database.close()

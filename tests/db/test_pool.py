"""A server has a connection for each request that it works on at once, and one for what it does in the background."""

import asyncio
import threading
from collections.abc import Callable

from anyio.to_thread import current_default_thread_limiter
from sqlalchemy import text

from app.db import Database
from tests.support.deployment import Deployment


def test_a_server_works_on_as_many_requests_as_it_has_connections_for(
    deploy: Callable[..., Deployment], sqlite_url: str
) -> None:
    app = deploy(database_url=sqlite_url, database_pool=5).app

    async def threads() -> float:
        async with app.router.lifespan_context(app):
            return current_default_thread_limiter().total_tokens

    assert asyncio.run(threads()) == 4


def test_all_connections_of_a_pool_can_be_had_and_more_wait(database_url: str) -> None:
    database = Database(database_url, pool=2)
    both = threading.Barrier(2)
    answers: list[int] = []

    def read() -> None:
        with database.read() as session:
            answers.append(int(session.execute(text("SELECT 1")).scalar_one()))
            both.wait(60)  # nobody gets on but with another: both connections are out at once

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [1] * 6
    assert database.engine.pool.status().startswith("Pool size: 2 ")
    database.close()

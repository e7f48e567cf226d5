"""The further servers that hold rows: derived from what the primary knows of them, so that no other place says where they are.

The primary reads them as foreign tables. Whole ranges are loaded and dropped straight on each, since neither goes through a foreign table.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from psycopg import pq
from sqlalchemy import URL

from app.datasets import sealed_rows
from app.db import Database, DatabaseUnavailable
from app.errors import OperationRefused, DependencyUnavailable

_OWN = {"user", "password", "dbname", "options", "connect_timeout"}
"""What is said elsewhere in an address, and what a `Database` says of its connections itself."""


@contextmanager
def open_shards(database: Database) -> Iterator[Mapping[str, Database]]:
    """Open the servers `shard_0`, `shard_1`, … that *database* knows; none on SQLite. By their names, in the order of the ranges that they hold.

    Raises:
        OperationRefused: our role has no user mapping for one of them.
        DatabaseUnavailable: *database* failed.
    """
    with database.read() as session:
        known = sealed_rows.open_shards(session)
    servers = {name: Database(_address(name, options), pool_size=1, name=f"server {name}") for name, options in known}
    try:
        yield servers
    finally:
        for server in servers.values():
            server.close()


def drop_shard_rows(servers: Mapping[str, Database], dataset: UUID) -> None:
    """Drop what *servers* hold of a data set, where they do; each of them is asked, whatever another does.

    Raises:
        DatabaseUnavailable: one failed, so that rows may be left; the message names it.
    """
    failures = []
    for server in servers.values():
        try:
            with server.write() as session:
                sealed_rows.drop_table(session, dataset)
        except DependencyUnavailable as error:
            failures.append(str(error))
    if failures:
        raise DatabaseUnavailable(f"{'; '.join(failures)}: rows of data set {dataset} may be left; run this again")


def _address(name: str, options: Mapping[str, str] | None) -> str:
    """Give the address that the primary itself would use; other options than libpq's are about reading foreign tables."""
    if options is None:
        raise OperationRefused(f"server {name}: the role of EXPOSURE_DATABASE_URL has no user mapping for it")
    of_libpq = {one.keyword.decode() for one in pq.Conninfo.get_defaults()} - _OWN
    return URL.create(
        "postgresql",
        username=options.get("user"),
        password=options.get("password"),
        database=options.get("dbname"),
        query={key: value for key, value in options.items() if key in of_libpq},
    ).render_as_string(hide_password=False)

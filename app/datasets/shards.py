"""The shards: further PostgreSQL servers that hold rows of data sets.

Their addresses come from the foreign servers `shard_0`, `shard_1`, … of the primary, so there is no second place to configure. The primary reads the
rows as foreign tables. Loading and dropping happen directly on each shard, because neither works through a foreign table.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from psycopg import pq
from sqlalchemy import URL

from app.datasets import catalog_queries, sealed_rows
from app.db import Database, DatabaseUnavailable
from app.errors import DependencyUnavailable, OperationRefused

_EXCLUDED_OPTIONS = {"user", "password", "dbname", "options", "connect_timeout"}
"""Options that have their own part in a URL, or that `Database` sets itself."""


@contextmanager
def open_shards(database: Database) -> Iterator[Mapping[str, Database]]:
    """Open the shards that *database* knows, by name, in the order of their ranges. SQLite has none.

    Raises:
        OperationRefused: our role has no user mapping for a shard.
        DatabaseUnavailable: *database* failed.
    """
    with database.read() as db:
        servers = catalog_queries.list_shard_servers(db)
    shards = {
        name: Database(_shard_url(name, options), pool_size=1, name=f"server {name}") for name, options in servers
    }
    try:
        yield shards
    finally:
        for shard in shards.values():
            shard.close()


def drop_shard_rows(shards: Mapping[str, Database], dataset: UUID) -> None:
    """Drop the rows of a data set on all *shards*. A failure of one does not stop the others.

    Raises:
        DatabaseUnavailable: a shard failed, so rows may be left. The message names it.
    """
    failures = []
    for shard in shards.values():
        try:
            with shard.write() as db:
                sealed_rows.drop_table(db, dataset)
        except DependencyUnavailable as error:
            failures.append(str(error))
    if failures:
        raise DatabaseUnavailable(f"{'; '.join(failures)}: rows of data set {dataset} may be left; run this again")


def _shard_url(name: str, options: Mapping[str, str] | None) -> str:
    """Return the URL of a shard with the libpq options that the primary uses. Options for foreign tables are left out."""
    if options is None:
        raise OperationRefused(f"server {name}: the role of EXPOSURE_DATABASE_URL has no user mapping for it")
    allowed = {default.keyword.decode() for default in pq.Conninfo.get_defaults()} - _EXCLUDED_OPTIONS
    return URL.create(
        "postgresql",
        username=options.get("user"),
        password=options.get("password"),
        database=options.get("dbname"),
        query={key: value for key, value in options.items() if key in allowed},
    ).render_as_string(hide_password=False)

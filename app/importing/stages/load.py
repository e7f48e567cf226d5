"""The second part of stage four: loads the rows of `outer_seal` into the data set's own table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import chain, islice
from typing import Any

from sqlalchemy.orm import Session

from app.datasets import sealed_rows
from app.datasets.manifest import RowMultisetHash
from app.db import Database
from app.importing.stages.outer_seal import OuterSealStage, SealedBucket


def load_buckets(
    database: Database,
    servers: Mapping[str, Database],
    stage: OuterSealStage,
    buckets: Iterable[SealedBucket],
    *,
    account: RowMultisetHash,
    finish: Callable[[Session], object],
    on_progress: Callable[[int], object],
) -> None:
    """Load the buckets, and call *finish* in the transaction that makes the data set visible.

    PostgreSQL loads all buckets in one transaction. SQLite loads each bucket in its own: one transaction for all would block every other writer.
    With shard servers, each server loads its buckets directly and in one transaction. All shards are committed before *database* refers to them.

    Args:
        database: the primary database.
        servers: the shard servers by name; may be empty.
        stage: of the import.
        buckets: in order.
        account: the rows of all buckets are added to it.
        finish: adds the data set to the catalogue.
        on_progress: called with the number of rows so far.

    Raises:
        DatabaseUnavailable: a server failed.
    """

    def bucket_contents() -> Iterator[list[Any]]:
        for bucket in buckets:
            account.merge(bucket.row_count, bucket.hash_total)
            on_progress(account.count)
            yield bucket.content  # must be last: the generator is not resumed after the last bucket of a shard

    dataset, contents = stage.context.dataset, bucket_contents()
    if stage.is_sqlite:
        with database.write() as db:
            sealed_rows.create_table(db, dataset)
        for rows in filter(None, contents):
            with database.write() as db:
                sealed_rows.insert_rows(db, dataset, rows)
    elif servers:
        buckets_per_server = stage.partition_count // len(servers)
        with ExitStack() as stack:  # commits on all servers at the end of the block
            for index, server in enumerate(servers.values()):
                db = stack.enter_context(server.write())
                sealed_rows.create_table(db, dataset, index, len(servers))
                sealed_rows.copy_rows(db, dataset, chain.from_iterable(islice(contents, buckets_per_server)))
    with database.write() as db:
        if servers:
            sealed_rows.create_sharded_table(db, dataset, list(servers))
        elif not stage.is_sqlite:
            sealed_rows.create_table(db, dataset)
            sealed_rows.copy_rows(db, dataset, chain.from_iterable(contents))
        finish(db)

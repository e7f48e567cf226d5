"""Stage four: entries numbered, the outer seal laid, and into the data set's own table.

Entries are numbered in the order of their sealed bytes, so that neither the file's order nor the workers' shows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, compress, count, islice
from operator import eq
from typing import Any

from sqlalchemy.orm import Session

from app.crypto.key_derivation import LOCATOR_BYTES
from app.crypto.mac_inputs import TAG_BYTES
from app.crypto.row_sealing import size_class_for_inner
from app.datasets import sealed_rows
from app.datasets.importing.context import ImportContext
from app.datasets.importing.spill import Spill
from app.datasets.importing.packed_rows import contents_of, in_pieces, places_of, unpack
from app.datasets.manifest import RowMultisetHash
from app.db import Database

MIN_ROWS_PER_SIZE = 1_000
"""Rows that must have a size, or they take the next larger one."""

ROWS_AT_ONCE = 20_000
"""Of a bucket, that are sealed together: what is known of them meanwhile stays small."""


@dataclass(frozen=True, slots=True)
class Loading:
    """What sealing the buckets takes."""

    context: ImportContext
    spill: Spill
    partitions: int
    sizes: Mapping[int, int]
    """The size that each size class is stored at."""
    is_sqlite: bool


@dataclass(slots=True)
class Bucket:
    """A bucket as the database takes it, and its part of the manifest."""

    rows: int
    total: int
    content: list[Any] = field(repr=False)
    """Rows, or on PostgreSQL what `sealed_rows.encode_copy_rows` made of some at a time."""


def seal_bucket(loading: Loading, number: int) -> Bucket:
    """Number the entries of one bucket and lay the outer seal.

    Raises:
        DependencyUnavailable: a key or the spill failed.
    """
    rows = unpack([loading.spill.read(number, 0)])
    sealer = loading.context.create_sealer()
    stored = places_of(rows).to_pylist()
    entries = _numbered(stored)
    account = RowMultisetHash(loading.context.keys.load_store_key(loading.context.key_id))
    content: list[Any] = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        locators = in_pieces(sealer.decrypt_locators(b"".join(stored[some])), LOCATOR_BYTES).to_pylist()
        contents = contents_of(rows[some]).to_pylist()
        sizes = {length: loading.sizes[size_class_for_inner(length - TAG_BYTES)] for length in {*map(len, contents)}}
        outer = sealer.seal_many(locators, entries[some], contents, sizes)
        account.add(outer)
        rows_of_some = stored[some], entries[some], outer
        content += zip(*rows_of_some, strict=True) if loading.is_sqlite else [sealed_rows.encode_copy_rows(*rows_of_some)]
    return Bucket(account.count, account.total, content)


def _numbered(stored: Sequence[bytes]) -> list[int]:
    """Number the rows of each place, which stand together, from 0."""
    entries = [0] * len(stored)
    again = compress(count(1), map(eq, stored, islice(stored, 1, None)))  # of few places there is more than one row
    for at in again:
        entries[at] = entries[at - 1] + 1
    return entries


def load(
    database: Database,
    servers: Mapping[str, Database],
    loading: Loading,
    buckets: Iterable[Bucket],
    *,
    account: RowMultisetHash,
    finish: Callable[[Session], object],
    progress: Callable[[int], object],
) -> None:
    """Load the buckets, and *finish* in the transaction that makes all of it be there.

    PostgreSQL takes it in one transaction. SQLite takes each bucket in its own: one for all would keep every other writer waiting.
    Where there are further servers, each takes its range straight and in one transaction, and all are committed before *database* knows of it.

    Raises:
        DatabaseUnavailable: a server failed.
    """

    def counted() -> Iterator[list[Any]]:
        for bucket in buckets:
            account.merge(bucket.rows, bucket.total)
            progress(account.count)
            yield bucket.content  # last, since nobody comes back for what follows the last bucket of a range

    dataset, contents = loading.context.dataset, counted()
    if loading.is_sqlite:
        with database.write() as session:
            sealed_rows.create_table(session, dataset)
        for rows in filter(None, contents):
            with database.write() as session:
                sealed_rows.insert_rows(session, dataset, rows)
    elif servers:
        each = loading.partitions // len(servers)
        with ExitStack() as stack:  # it commits them all, once the last is loaded
            for number, server in enumerate(servers.values()):
                session = stack.enter_context(server.write())
                sealed_rows.create_table(session, dataset, number, len(servers))
                sealed_rows.copy_rows(session, dataset, chain.from_iterable(islice(contents, each)))
    with database.write() as session:
        if servers:
            sealed_rows.create_sharded_table(session, dataset, list(servers))
        elif not loading.is_sqlite:
            sealed_rows.create_table(session, dataset)
            sealed_rows.copy_rows(session, dataset, chain.from_iterable(contents))
        finish(session)

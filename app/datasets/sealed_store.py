"""Looks up digests in the data sets: one query, with verified results.

A failure must never become an answer. In the same query as the rows, each data set's sentinel row is read. It proves that the table is complete, that
the store key is the right one, and that the keyholder holds the pepper that the data set was sealed under. Otherwise the whole look-up raises
`DependencyUnavailable`. If the rows are spread over several servers, each shard that is read proves this with its own sentinel.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from app.crypto import mac_inputs
from app.crypto.key_derivation import DerivedKeys, derive_row_keys
from app.crypto.key_files import KeyRing
from app.crypto.row_sealing import OVERFLOW_MARKER, RowSealer
from app.crypto.stretching import KdfParams
from app.datasets import catalog_queries, kdf_params, sealed_rows
from app.datasets.argon2_slots import Argon2Slots
from app.datasets.errors import SentinelMissing
from app.datasets.lifecycle import DataSet
from app.datasets.manifest import StoredRow
from app.datasets.record import Record, Sentinel, decode
from app.datasets.shard_ranges import find_sentinels, range_index
from app.db import Database, Reader, VersionedCache, require_same_version
from app.keyholder import KeyholderClient

_RowsByLocator = dict[bytes, list[tuple[int, bytes]]]
"""Rows of one data set: by stored locator, the entry and the ciphertext of each row."""

_StoredKeys = list[tuple[DerivedKeys, bytes]]
"""Derived keys, each with its stored (encrypted) locator."""


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The records of one digest in one data set; none if it is not there."""

    locator: bytes = field(repr=False)
    records: tuple[Record, ...] = field(repr=False)
    is_ambiguous: bool
    """More than 20 people share the identifier, so no record is stored for it."""


@dataclass(frozen=True, slots=True)
class DataSetLookup:
    """The results of a look-up in one data set, in the order of the digests."""

    dataset: DataSet
    cohorts: tuple[str, ...]
    results: tuple[LookupResult, ...]


class SealedStore:
    """Read access to the sealed rows of all data sets.

    Args:
        keys: the store keys.
        keyholder: computes the MACs of the sentinels.
        slots: limit for concurrent Argon2id computations; None for a single-threaded caller.
        replica: database to read the sealed rows from, and nothing else; None to read them from the primary.
        verify: checks the catalogue before its data sets are used.
    """

    def __init__(
        self,
        keys: KeyRing,
        keyholder: KeyholderClient,
        slots: Argon2Slots | None = None,
        replica: Database | None = None,
        verify: Callable[[Session], object] = lambda _: None,
    ) -> None:
        self._keys = keys
        self._slots = slots or Argon2Slots(1)
        self._keyholder = keyholder
        self._replica = replica
        self._verify = verify
        self._answerable = VersionedCache(self._load_answerable)
        self._kdf_params = VersionedCache(kdf_params.load_params)
        self._sealers: dict[tuple[UUID, str], tuple[str, tuple[int, int], RowSealer]] = {}
        self._sentinel_caches: dict[UUID, _SentinelCache] = {}

    def look_up(self, db: Reader, digests: Sequence[bytes], *, dataset: DataSet | None = None) -> list[DataSetLookup]:
        """Look up digests in all published and superseded data sets, or only in *dataset*.

        1. Check the keyholder connection. On a new connection the sentinels are derived again.
        2. Derive the row keys of each digest in each data set.
        3. Read all rows in one query, with the sentinel of each shard that a row may be on; without digests, all sentinels.
        4. Decrypt each sentinel. Any failure fails the look-up.
        5. Decrypt each row. Any failure fails the look-up.

        Args:
            db: a snapshot of the database.
            digests: digests of the identifiers; empty for a health check.
            dataset: read only this data set, whatever its state.

        Returns:
            One result for each data set, newest publication first within each incident.

        Raises:
            DependencyUnavailable: the keyholder, the database, the catalogue's signature, a sentinel or a decryption failed.
        """
        datasets = self._answerable(db) if dataset is None else [dataset]
        params = self._kdf_params(db)
        connection = self._keyholder.connection_id()  # (1)
        if not datasets or params is None:
            return []
        requests: list[tuple[DataSet, _SentinelCache, _StoredKeys]] = []
        for requested in datasets:
            sentinels = self._sentinels(requested, params, connection)
            derived = [derive_row_keys(digest, requested.id) for digest in digests]  # (2)
            requests.append(
                (requested, sentinels, [(keys, sentinels.sealer.encrypt_locators(keys.locator)) for keys in derived])
            )
        wanted = [
            (requested.id, list({*sentinels.locators_for(row_keys), *(stored for _, stored in row_keys)}))
            for requested, sentinels, row_keys in requests
        ]
        rows: list[_RowsByLocator] = [{} for _ in requests]
        for index, (locator, entry, sealed) in self._find_rows(db, wanted):  # (3)
            rows[index].setdefault(locator, []).append((entry, sealed))
        return [_open_data_set(*request, found) for request, found in zip(requests, rows, strict=True)]

    def _load_answerable(self, db: Session) -> list[DataSet]:
        self._verify(db)
        return catalog_queries.list_answerable(db)

    def _find_rows(self, db: Reader, wanted: list[tuple[UUID, list[bytes]]]) -> list[tuple[int, StoredRow]]:
        if self._replica is None:
            return sealed_rows.find_rows(db, wanted)
        with self._replica.autocommit_reader() as replica_db:
            rows = sealed_rows.find_rows(replica_db, wanted)
            require_same_version(db, replica_db)
        return rows

    def _sentinels(self, dataset: DataSet, params: KdfParams, connection: int) -> "_SentinelCache":
        sealer = self.sealer(dataset)
        cached = self._sentinel_caches.get(dataset.id)
        if cached is None or cached.connection != connection or cached.sealer is not sealer:
            mac = self._keyholder.mac(mac_inputs.sentinel_input(dataset.id), connection_id=connection)
            with self._slots:
                digest = params.stretch(mac)
            cached = self._sentinel_caches[dataset.id] = _SentinelCache(
                connection, sealer, find_sentinels(digest, sealer, dataset.shard_count)
            )
        return cached

    def sealer(self, dataset: DataSet) -> RowSealer:
        """Return the row sealer of a data set.

        The store key is read again whenever its file changes, so that a destroyed key also disappears from running servers.

        Raises:
            StoreKeyMissing: the store key does not exist.
        """
        name = dataset.id, dataset.key_id
        cached = self._sealers.get(name)
        path = str(self._keys.store_key_path(dataset.key_id)) if cached is None else cached[0]
        try:
            status = os.stat(path)  # noqa: PTH116  runs at each look-up; Path.stat takes twice as long
            file_version = (status.st_ino, status.st_mtime_ns)
        except (OSError, ValueError):
            file_version = (0, 0)
        if cached is None or cached[1] != file_version:
            sealer = RowSealer(self._keys.load_store_key(dataset.key_id), dataset.id)
            cached = self._sealers[name] = (path, file_version, sealer)
        return cached[2]


class _SentinelCache:
    """The sentinels of a data set, for one keyholder connection and one store key, and their verified contents."""

    def __init__(self, connection: int, sealer: RowSealer, sentinels: _StoredKeys) -> None:
        self.connection = connection
        self.sealer = sealer
        self._keys_by_locator = {stored: keys for keys, stored in sentinels}
        """Derived keys by stored locator, in the order of the shards."""
        self._verified: dict[bytes, tuple[list[tuple[int, bytes]], tuple[str, ...]]] = {}
        """By stored locator, the rows that were decrypted and the cohorts in them."""

    def locators_for(self, row_keys: _StoredKeys) -> list[bytes]:
        """Return the stored locators of the sentinels of the shards that *row_keys* fall into; without row keys, of all shards."""
        locators = list(self._keys_by_locator)
        shard_count = len(locators)
        if shard_count == 1 or not row_keys:
            return locators
        return [locators[index] for index in {range_index(stored, shard_count) for _, stored in row_keys}]

    def verify(self, rows: _RowsByLocator, row_keys: _StoredKeys) -> tuple[str, ...]:
        """Verify that *rows* contain the sentinels for *row_keys*, and return the data set's cohorts.

        Rows identical to ones already verified are not decrypted again.

        Raises:
            SentinelMissing: a sentinel is missing.
            DecryptionFailed: a sentinel cannot be decrypted.
        """
        cohorts: tuple[str, ...] = ()
        for locator in self.locators_for(row_keys):
            found = rows.get(locator, [])
            verified = self._verified.get(locator)
            if verified is None or verified[0] != found:
                entries = _open_rows(self.sealer, self._keys_by_locator[locator], found)
                if len(entries) != 1 or not isinstance(entries[0], Sentinel):
                    raise SentinelMissing(f"the sentinel of data set {self.sealer.dataset} is missing")
                verified = self._verified[locator] = found, entries[0].cohorts
            cohorts = verified[1]
        return cohorts


def _open_data_set(
    dataset: DataSet, sentinels: _SentinelCache, row_keys: _StoredKeys, rows: _RowsByLocator
) -> DataSetLookup:
    cohorts = sentinels.verify(rows, row_keys)  # (4)
    results = []
    for keys, stored in row_keys:  # (5)
        entries = _open_rows(sentinels.sealer, keys, rows.get(stored, []))
        records = tuple(entry for entry in entries if isinstance(entry, Record))
        results.append(LookupResult(keys.locator, records, is_ambiguous=None in entries))
    return DataSetLookup(dataset, cohorts, tuple(results))


def _open_rows(sealer: RowSealer, keys: DerivedKeys, rows: list[tuple[int, bytes]]) -> list[Record | Sentinel | None]:
    """Decrypt the rows at one locator. None marks an identifier that too many people share."""
    entries: list[Record | Sentinel | None] = []
    for entry, sealed in rows:
        _, inner = sealer.open(keys.locator, entry, sealed)
        entries.append(None if inner == OVERFLOW_MARKER else decode(sealer.record_sealer.open(keys, inner)))
    return entries

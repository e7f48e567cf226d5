"""Reading what the data sets hold of some digests: one query, and every answer vouched for.

A failure is never an answer: each data set proves by its sentinel, read in the same query, that its partition is there, that the store key is its
own, and that the keyholder holds the pepper it was sealed under. Otherwise the whole look-up ends in `DependencyUnavailable`. Where its rows lie on several
servers, the sentinel of each range that is read proves it for that range.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.crypto import mac_inputs
from app.crypto.key_derivation import DerivedKeys, derive_row_keys
from app.crypto.key_files import KeyRing
from app.crypto.stretching import KdfParams
from app.crypto.row_sealing import OVERFLOW_MARKER, RowSealer
from app.datasets import kdf_params
from app.datasets import sealed_rows
from app.datasets.errors import SentinelMissing
from app.datasets.manifest import Row
from app.datasets.shard_ranges import range_index, sentinels
from app.datasets.record import Record, Sentinel, decode
from app.datasets.argon2_slots import Argon2Slots
from app.datasets.lifecycle import DataSet
from app.db import Database, Reader, VersionedCache, require_same_version
from app.keyholder import KeyholderClient

_Rows = dict[bytes, list[tuple[int, bytes]]]
"""Of one data set: by what is stored of the locator, entry and sealed row."""


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What one data set holds of one digest."""

    locator: bytes = field(repr=False)
    records: tuple[Record, ...] = field(repr=False)
    shared_by_too_many: bool


@dataclass(frozen=True, slots=True)
class DataSetLookup:
    """One data set, really read: for each digest what it holds, in the order of the digests."""

    dataset: DataSet
    cohorts: tuple[str, ...]
    found: tuple[LookupResult, ...]


class SealedStore:
    """The sealed store as a reader sees it."""

    def __init__(
        self, keys: KeyRing, keyholder: KeyholderClient, turns: Argon2Slots | None = None, replica: Database | None = None
    ) -> None:
        """Know whom to ask.

        Args:
            keys: the store keys.
            keyholder: answers on the sentinels.
            turns: at Argon2id; None where nobody else is at it.
            replica: the rows are read there, and only they; None: where all else is read.
        """
        self._keys = keys
        self._turns = turns or Argon2Slots(1)
        self._keyholder = keyholder
        self._replica = replica
        self._readable = VersionedCache(sealed_rows.readable)
        self._scheme = VersionedCache(kdf_params.current)
        self._sealers: dict[tuple[UUID, str], tuple[str, tuple[int, int], RowSealer]] = {}
        self._witnesses: dict[UUID, _Witness] = {}

    def look_up(self, session: Reader, digests: Sequence[bytes], *, dataset: DataSet | None = None) -> list[DataSetLookup]:
        """Read every data set that answers are read from, or only *dataset*.

        1. The keyholder is there, on a connection whose sentinels are known or asked for anew.
        2. Each digest is expanded to its place in each data set.
        3. One query reads all places, and the sentinel of each range that one of them lies in; without digests, all sentinels.
        4. Each sentinel opens, or nothing is answered.
        5. Each row opens, or nothing is answered.

        Args:
            session: one state of the database.
            digests: of the identifiers; may be empty, to ask only whether all is well.
            dataset: read this one, whatever its state.

        Returns:
            The data sets, newest publication first within their incident.

        Raises:
            DependencyUnavailable: the keyholder, the database, a sentinel or a seal failed.
        """
        datasets = self._readable(session) if dataset is None else [dataset]
        current = self._scheme(session)
        connection = self._keyholder.connection_id()  # (1)
        if not datasets or current is None:
            return []
        wanted = []
        for one in datasets:
            witness = self._witness(one, current, connection)
            places = [derive_row_keys(digest, one.id) for digest in digests]  # (2)
            wanted.append((one, witness, [(place, witness.sealer.encrypt_locators(place.locator)) for place in places]))
        stored: list[_Rows] = [{} for _ in wanted]
        for number, (locator, entry, sealed) in self._rows_at(  # (3)
            session,
            [
                (one.id, list({*witness.stored(places), *(stored for _, stored in places)}))
                for one, witness, places in wanted
            ],
        ):
            stored[number].setdefault(locator, []).append((entry, sealed))
        return [_reading(*one, rows) for one, rows in zip(wanted, stored, strict=True)]

    def _rows_at(self, session: Reader, wanted: list[tuple[UUID, list[bytes]]]) -> list[tuple[int, Row]]:
        if self._replica is None:
            return sealed_rows.find_rows(session, wanted)
        with self._replica.autocommit_reader() as elsewhere:
            rows = sealed_rows.find_rows(elsewhere, wanted)
            require_same_version(session, elsewhere)
        return rows

    def _witness(self, dataset: DataSet, current: KdfParams, connection: int) -> "_Witness":
        sealer = self.sealer(dataset)
        known = self._witnesses.get(dataset.id)
        if known is None or known.connection != connection or known.sealer is not sealer:
            mac = self._keyholder.mac(mac_inputs.sentinel_input(dataset.id), connection_id=connection)
            with self._turns:
                digest = current.stretch(mac)
            known = self._witnesses[dataset.id] = _Witness(
                connection, sealer, sentinels(digest, sealer, dataset.ranges)
            )
        return known

    def sealer(self, dataset: DataSet) -> RowSealer:
        """Give the cloak and outer seal of a data set.

        The key is read anew when its file changed, so that a destroyed one is gone from running servers too.

        Raises:
            StoreKeyMissing: its store key is not there.
        """
        name = dataset.id, dataset.key_id
        known = self._sealers.get(name)
        path = str(self._keys.store_key_path(dataset.key_id)) if known is None else known[0]
        try:
            status = os.stat(path)  # noqa: PTH116  at each look-up; a Path takes as long again
            version = (status.st_ino, status.st_mtime_ns)
        except (OSError, ValueError):
            version = (0, 0)
        if known is None or known[1] != version:
            sealer = RowSealer(self._keys.load_store_key(dataset.key_id), dataset.id)
            known = self._sealers[name] = (path, version, sealer)
        return known[2]


class _Witness:
    """Where a data set's sentinels lie, by one connection to the keyholder and one store key, and what was found there."""

    def __init__(self, connection: int, sealer: RowSealer, sentinels: list[tuple[DerivedKeys, bytes]]) -> None:
        self.connection = connection
        self.sealer = sealer
        self._sentinels = {stored: place for place, stored in sentinels}
        """By where they are stored, in the order of the ranges."""
        self._opened: dict[bytes, tuple[list[tuple[int, bytes]], tuple[str, ...]]] = {}

    def stored(self, places: list[tuple[DerivedKeys, bytes]]) -> list[bytes]:
        """Say where the sentinels are stored that vouch for *places*; without any, all of them."""
        all_of_them = list(self._sentinels)
        ranges = len(all_of_them)
        if ranges == 1 or not places:
            return all_of_them
        return [all_of_them[number] for number in {range_index(stored, ranges) for _, stored in places}]

    def cohorts(self, rows: _Rows, places: list[tuple[DerivedKeys, bytes]]) -> tuple[str, ...]:
        """See that among *rows* are the sentinels that vouch for *places*, and give what each carries.

        Byte for byte those that opened before, they open again.

        Raises:
            SentinelMissing: they are not.
            DecryptionFailed: they do not open.
        """
        cohorts: tuple[str, ...] = ()
        for stored in self.stored(places):
            found = rows.get(stored, [])
            known = self._opened.get(stored)
            if known is None or known[0] != found:
                entries = _opened(self.sealer, self._sentinels[stored], found)
                if len(entries) != 1 or not isinstance(entries[0], Sentinel):
                    raise SentinelMissing(f"data set {self.sealer.dataset} does not show its sentinel")
                known = self._opened[stored] = found, entries[0].cohorts
            cohorts = known[1]
        return cohorts


def _reading(dataset: DataSet, witness: _Witness, places: list[tuple[DerivedKeys, bytes]], rows: _Rows) -> DataSetLookup:
    cohorts = witness.cohorts(rows, places)  # (4)
    found = []
    for place, stored in places:  # (5)
        entries = _opened(witness.sealer, place, rows.get(stored, []))
        records = tuple(entry for entry in entries if isinstance(entry, Record))
        found.append(LookupResult(place.locator, records, shared_by_too_many=None in entries))
    return DataSetLookup(dataset, cohorts, tuple(found))


def _opened(sealer: RowSealer, place: DerivedKeys, rows: list[tuple[int, bytes]]) -> list[Record | Sentinel | None]:
    """Open the rows of one place; None stands for a marker."""
    entries: list[Record | Sentinel | None] = []
    for entry, sealed in rows:
        _, inner = sealer.open(place.locator, entry, sealed)
        entries.append(None if inner == OVERFLOW_MARKER else decode(sealer.record_sealer.open(place, inner)))
    return entries

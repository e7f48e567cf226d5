"""Reading what the data sets hold of some digests: one query, and every answer vouched for.

A failure is never an answer: each data set proves by its sentinel, read in the same query, that its partition is there, that the store key is its
own, and that the keyholder holds the pepper it was sealed under. Otherwise the whole look-up ends in `Unavailable`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from app.crypto import messages
from app.crypto.expansion import Place, row_place
from app.crypto.keyfiles import KeyRing
from app.crypto.scheme import Scheme
from app.crypto.seal import NOBODYS, RowSealer
from app.datasets import queries, scheme
from app.datasets.errors import SentinelMissing
from app.datasets.record import Record, Sentinel, decode
from app.datasets.turns import Turns
from app.datasets.versions import DataSet
from app.db import Remembered
from app.keyholder import Keyholder


@dataclass(frozen=True, slots=True)
class Found:
    """What one data set holds of one digest."""

    locator: bytes = field(repr=False)
    records: tuple[Record, ...] = field(repr=False)
    shared_by_too_many: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """One data set, really read: for each digest what it holds, in the order of the digests."""

    dataset: DataSet
    cohorts: tuple[str, ...]
    found: tuple[Found, ...]


class Register:
    """The sealed store as a reader sees it."""

    def __init__(self, keys: KeyRing, keyholder: Keyholder, turns: Turns | None = None) -> None:
        """Know whom to ask.

        Args:
            keys: the store keys.
            keyholder: answers on the sentinels.
            turns: at Argon2id; None where nobody else is at it.
        """
        self._keys = keys
        self._turns = turns or Turns(1)
        self._keyholder = keyholder
        self._readable = Remembered(queries.readable)
        self._scheme = Remembered(scheme.current)
        self._sealers: dict[UUID, tuple[tuple[int, int], RowSealer]] = {}
        self._sentinels: dict[UUID, tuple[int, Place]] = {}

    def look_up(self, session: Session, digests: Sequence[bytes], *, dataset: DataSet | None = None) -> list[Reading]:
        """Read every data set that answers are read from, or only *dataset*.

        1. The keyholder answers, on a connection whose sentinels are known or asked for anew.
        2. Each digest is expanded to its place in each data set.
        3. One query reads all places and all sentinels.
        4. Each sentinel opens, or nothing is answered.
        5. Each row opens, or nothing is answered.

        Args:
            session: one snapshot of the database.
            digests: of the identifiers; may be empty, to ask only whether all is well.
            dataset: read this one, whatever its state.

        Returns:
            The data sets, newest publication first within their incident.

        Raises:
            Unavailable: the keyholder, the database, a sentinel or a seal failed.
        """
        datasets = self._readable(session) if dataset is None else [dataset]
        current = self._scheme(session)
        connection = self._keyholder.connection()  # (1)
        if not datasets or current is None:
            return []
        wanted = []
        for one in datasets:
            sentinel = self._sentinel(one, current, connection)
            places = [row_place(digest, one.id) for digest in digests]  # (2)
            wanted.append((one, self.sealer(one), sentinel, places))
        stored: list[dict[bytes, list[tuple[int, bytes]]]] = [{} for _ in wanted]
        for number, (locator, entry, sealed) in queries.rows_at(  # (3)
            session,
            [
                (one.id, list({sealer.cloak(place.locator) for place in (sentinel, *places)}))
                for one, sealer, sentinel, places in wanted
            ],
        ):
            stored[number].setdefault(locator, []).append((entry, sealed))
        return [self._read(*one, rows) for one, rows in zip(wanted, stored, strict=True)]

    def _read(
        self,
        dataset: DataSet,
        sealer: RowSealer,
        sentinel: Place,
        places: list[Place],
        rows: dict[bytes, list[tuple[int, bytes]]],
    ) -> Reading:
        vouching = _opened(sealer, sentinel, rows.get(sealer.cloak(sentinel.locator), []))  # (4)
        if len(vouching) != 1 or not isinstance(vouching[0], Sentinel):
            raise SentinelMissing(f"data set {dataset.id} does not show its sentinel")
        found = []
        for place in places:  # (5)
            entries = _opened(sealer, place, rows.get(sealer.cloak(place.locator), []))
            records = tuple(entry for entry in entries if isinstance(entry, Record))
            found.append(Found(place.locator, records, shared_by_too_many=None in entries))
        return Reading(dataset, vouching[0].cohorts, tuple(found))

    def _sentinel(self, dataset: DataSet, current: Scheme, connection: int) -> Place:
        known = self._sentinels.get(dataset.id)
        if known is None or known[0] != connection:
            mac = self._keyholder.mac(messages.sentinel(dataset.id), on=connection)
            with self._turns:
                digest = current.stretch(mac)
            known = self._sentinels[dataset.id] = (connection, row_place(digest, dataset.id))
        return known[1]

    def sealer(self, dataset: DataSet) -> RowSealer:
        """Give the cloak and outer seal of a data set.

        The key is read anew when its file changed, so that a destroyed one is gone from running servers too.

        Raises:
            MissingKey: its store key is not there.
        """
        try:
            status = self._keys.store_path(dataset.key_id).stat()
            version = (status.st_ino, status.st_mtime_ns)
        except (OSError, ValueError):
            version = (0, 0)
        known = self._sealers.get(dataset.id)
        if known is None or known[0] != version:
            known = self._sealers[dataset.id] = (version, RowSealer(self._keys.store(dataset.key_id), dataset.id))
        return known[1]


def _opened(sealer: RowSealer, place: Place, rows: list[tuple[int, bytes]]) -> list[Record | Sentinel | None]:
    """Open the rows of one place; None stands for a marker."""
    entries: list[Record | Sentinel | None] = []
    for entry, sealed in rows:
        _, inner = sealer.open(place.locator, entry, sealed)
        entries.append(None if inner == NOBODYS else decode(sealer.records.open(place, inner)))
    return entries

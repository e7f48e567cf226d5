"""Strategies and helpers for rows, their multiset hash and manifests."""

from collections.abc import Sequence

from hypothesis import strategies as st

from app.crypto.keys import StoreKey
from app.crypto.row_sealing import SIZE_CLASSES, DecryptionFailed, RowSealer
from app.datasets.manifest import Manifest, RowMultisetHash, StoredRow
from tests.crypto.helpers import DATASET

STORE_KEY = StoreKey(bytes(range(32)))
SEALER = RowSealer(STORE_KEY, DATASET)

arbitrary_rows: st.SearchStrategy[list[StoredRow]] = st.lists(
    st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 2**31 - 1), st.binary(min_size=16, max_size=64)),
    max_size=12,
)
nonempty_rows = arbitrary_rows.filter(bool)
sealed_rows: st.SearchStrategy[list[StoredRow]] = st.lists(
    st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 30), st.binary(max_size=40)),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row[:2],
).map(lambda rows: [seal_row(*row) for row in rows])
"""Rows that can be decrypted, as an import stores them."""


def seal_row(locator: bytes, entry: int, content: bytes) -> StoredRow:
    return SEALER.encrypt_locators(locator), entry, SEALER.seal(locator, entry, b"row's ta", content, SIZE_CLASSES[0])


def can_open(row: StoredRow) -> bool:
    stored_locator, entry, sealed = row
    try:
        SEALER.open(SEALER.decrypt_locators(stored_locator), entry, sealed)
    except DecryptionFailed:
        return False
    return True


def hash_rows(rows: Sequence[StoredRow], key: StoreKey = STORE_KEY) -> RowMultisetHash:
    row_hash = RowMultisetHash(key)
    row_hash.add([sealed for _, _, sealed in rows])
    return row_hash


def make_manifest(rows: Sequence[StoredRow], people: int = 3) -> Manifest:
    return Manifest.create(
        hash_rows(rows), STORE_KEY, dataset=DATASET, incident="sample", kind="full", hints=True, people=people
    )


def sorted_tags(rows: Sequence[StoredRow]) -> list[bytes]:
    return sorted(sealed[-16:] for _, _, sealed in rows)

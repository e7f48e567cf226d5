"""Equal ranges of stored locators, and the sentinel of each range.

A row's range follows from the first two bytes of its encrypted locator. The buckets of an import are such ranges, and so are the shards of a data
set. The number of buckets is a multiple of the number of shards, so each bucket lies on one shard.
"""

from app.crypto.key_derivation import DerivedKeys, derive_sentinel_keys
from app.crypto.row_sealing import RowSealer

_PREFIX_COUNT = 1 << 16


def range_index(stored_locator: bytes, range_count: int) -> int:
    """Return the index of the range that a stored locator falls into."""
    return int.from_bytes(stored_locator[:2], "big") * range_count // _PREFIX_COUNT


def range_start(index: int, range_count: int) -> bytes:
    """Return the two-byte prefix at which a range starts."""
    return (-(-index * _PREFIX_COUNT // range_count)).to_bytes(2, "big")


def find_sentinels(digest: bytes, sealer: RowSealer, range_count: int) -> list[tuple[DerivedKeys, bytes]]:
    """Find the sentinel of each range: the first key pair derived from the sentinel's *digest* whose stored locator falls into the range.

    Returns:
        For each range, in order, the derived keys and the stored locator.
    """
    found: dict[int, tuple[DerivedKeys, bytes]] = {}
    for keys in derive_sentinel_keys(digest, sealer.dataset):
        stored = sealer.encrypt_locators(keys.locator)
        found.setdefault(range_index(stored, range_count), (keys, stored))
        if len(found) == range_count:
            break
    return [found[index] for index in range(range_count)]

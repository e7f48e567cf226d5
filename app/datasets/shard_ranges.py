"""Equal ranges of the places where rows are stored, and the sentinel of each.

A row's range follows from the first two bytes of its cloaked locator. The buckets of an import are ranges, and so is what each of several servers
holds of a data set: there are a multiple as many buckets as servers, so each bucket lies on one.
"""

from app.crypto.key_derivation import DerivedKeys, derive_sentinel_keys
from app.crypto.row_sealing import RowSealer

_PREFIXES = 1 << 16


def range_index(stored: bytes, ranges: int) -> int:
    """Say into which of so many *ranges* a row falls, by its stored locator."""
    return int.from_bytes(stored[:2], "big") * ranges // _PREFIXES


def range_start(number: int, ranges: int) -> bytes:
    """Give the two bytes that the first locator of a range begins with."""
    return (-(-number * _PREFIXES // ranges)).to_bytes(2, "big")


def sentinels(digest: bytes, sealer: RowSealer, ranges: int) -> list[tuple[DerivedKeys, bytes]]:
    """Find the sentinel of each range: the first of the places that the sentinel's *digest* expands to which is stored in it.

    Returns:
        In the order of the ranges, each one's place, and what is stored of its locator.
    """
    found: dict[int, tuple[DerivedKeys, bytes]] = {}
    for place in derive_sentinel_keys(digest, sealer.dataset):
        stored = sealer.encrypt_locators(place.locator)
        found.setdefault(range_index(stored, ranges), (place, stored))
        if len(found) == ranges:
            break
    return [found[number] for number in range(ranges)]

"""Shared by the tests of app.crypto: fixed keys and Hypothesis strategies."""

from uuid import UUID

from hypothesis import strategies as st

from app.crypto.key_derivation import DerivedKeys
from app.crypto.keys import ApplicationKey, Key, Pepper, RatchetState, SigningKey, StoreKey
from app.crypto.mac_inputs import SUBJECT_BYTES, TAG_BYTES
from app.crypto.row_sealing import RowSealer

DATASET = UUID("7d9a3b52-1111-4222-8333-944455556666")
OTHER_DATASET = UUID("7d9a3b52-1111-4222-8333-944455556667")
STORE_KEY = StoreKey(bytes(range(32)))
ROW_SEALER = RowSealer(STORE_KEY, DATASET)
DERIVED = DerivedKeys(bytes(range(16)), bytes(range(100, 132)))
TAG = b"row's ta"
ROLES: tuple[type[Key], ...] = (Pepper, StoreKey, ApplicationKey, SigningKey, RatchetState)

locators = st.binary(min_size=16, max_size=16)
keys = st.binary(min_size=32, max_size=32)
derived_keys = st.builds(DerivedKeys, locators, keys)
subjects = st.binary(min_size=SUBJECT_BYTES, max_size=SUBJECT_BYTES)
row_tags = st.binary(min_size=TAG_BYTES, max_size=TAG_BYTES)
entries = st.integers(0, 2**31 - 1)


def flip_bits(data: bytes, index: int, bits: int) -> bytes:
    """Return *data* with the *bits* of one byte flipped."""
    index %= len(data)
    return data[:index] + bytes([data[index] ^ bits]) + data[index + 1 :]

"""Locator encryption: each locator is one block, encrypted under a key and independently of the others."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.crypto.keys import StoreKey
from app.crypto.row_sealing import SIZE_CLASSES, DecryptionFailed, LocatorCipher, RowSealer
from tests.crypto.helpers import DATASET, DERIVED, ROW_SEALER, STORE_KEY, TAG, keys, locators


@given(keys, locators, locators)
def test_the_locator_cipher_is_a_permutation(key: bytes, locator: bytes, other: bytes) -> None:
    cipher = LocatorCipher(key)
    assert cipher.decrypt(cipher.encrypt(locator)) == locator
    assert cipher.encrypt(cipher.decrypt(locator)) == locator
    assert len(cipher.encrypt(locator)) == 16
    assert (cipher.encrypt(locator) == cipher.encrypt(other)) == (locator == other)


@given(locators, keys)
def test_locators_encrypt_differently_under_another_key(locator: bytes, key: bytes) -> None:
    assume(key != STORE_KEY.reveal())
    sealer = RowSealer(StoreKey(key), DATASET)
    assert sealer.encrypt_locators(locator) not in (locator, ROW_SEALER.encrypt_locators(locator))
    assert sealer.decrypt_locators(ROW_SEALER.encrypt_locators(locator)) != locator


locator_lists = st.lists(locators, min_size=1, max_size=10)


@given(keys, locator_lists)
def test_many_locators_encrypt_as_each_alone(key: bytes, locators: list[bytes]) -> None:
    """Each block is encrypted independently of its neighbours and their number."""
    cipher, sealer = LocatorCipher(key), RowSealer(StoreKey(key), DATASET)
    for encrypt, decrypt in (
        (cipher.encrypt, cipher.decrypt),
        (sealer.encrypt_locators, sealer.decrypt_locators),
    ):
        together = encrypt(b"".join(locators))
        assert together == b"".join([encrypt(locator) for locator in locators])
        assert decrypt(together) == b"".join([decrypt(encrypt(locator)) for locator in locators]) == b"".join(locators)


@pytest.mark.parametrize("blocks", [b"", bytes(1), bytes(15), bytes(17), bytes(31), bytes(33), "a" * 16, None, 16])
def test_row_sealer_refuses_partial_blocks(blocks: Any) -> None:
    for function in (ROW_SEALER.encrypt_locators, ROW_SEALER.decrypt_locators):
        with pytest.raises(DecryptionFailed):
            function(blocks)


@given(st.binary(max_size=100).filter(lambda data: not data or len(data) % 16))
def test_locator_cipher_refuses_partial_blocks(blocks: bytes) -> None:
    for function in (LocatorCipher(bytes(32)).encrypt, LocatorCipher(bytes(32)).decrypt):
        with pytest.raises(DecryptionFailed):
            function(blocks)


@given(locator_lists, locator_lists)
def test_a_row_with_extra_locator_blocks_does_not_decrypt(before: list[bytes], after: list[bytes]) -> None:
    """A tampered database could contain one, and several blocks can be decrypted at once."""
    sealed = ROW_SEALER.seal(DERIVED.locator, 0, TAG, b"inner", SIZE_CLASSES[0])
    stored = ROW_SEALER.encrypt_locators(DERIVED.locator)
    for longer in (stored + b"".join(after), b"".join(before) + stored):
        with pytest.raises(DecryptionFailed):
            ROW_SEALER.open(ROW_SEALER.decrypt_locators(longer), 0, sealed)

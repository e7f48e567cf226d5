"""JSON encryption: decrypts with its key and associated data, if unchanged."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.json_aead import MIN_SIZE_CLASS, decrypt_json, encrypt_json
from app.crypto.row_sealing import DecryptionFailed
from tests.crypto.helpers import flip_bits, keys

contents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=6,
)
KEY, AAD = bytes(range(32)), b"associated data"


@given(keys, contents, st.binary(max_size=40))
def test_decrypt_reverses_encrypt(key: bytes, content: Any, aad: bytes) -> None:
    assert decrypt_json(key, encrypt_json(key, content, aad=aad), aad=aad) == content


@given(keys, st.binary(max_size=40))
def test_another_key_or_aad_does_not_decrypt(key: bytes, aad: bytes) -> None:
    ciphertext = encrypt_json(KEY, ["a"], aad=AAD)
    if key != KEY:
        with pytest.raises(DecryptionFailed):
            decrypt_json(key, ciphertext, aad=AAD)
    if aad != AAD:
        with pytest.raises(DecryptionFailed):
            decrypt_json(KEY, ciphertext, aad=aad)


def test_changed_or_truncated_ciphertexts_do_not_decrypt() -> None:
    ciphertext = encrypt_json(KEY, ["a"], aad=AAD)
    for index in range(len(ciphertext)):
        with pytest.raises(DecryptionFailed):
            decrypt_json(KEY, flip_bits(ciphertext, index, 1), aad=AAD)
        with pytest.raises(DecryptionFailed):
            decrypt_json(KEY, ciphertext[:index], aad=AAD)
    with pytest.raises(DecryptionFailed):
        decrypt_json(KEY, ciphertext + b"\0", aad=AAD)


@given(st.one_of(st.binary(max_size=80), st.text(max_size=80)))
def test_arbitrary_input_raises_decryption_failed(ciphertext: Any) -> None:
    with pytest.raises(DecryptionFailed):
        decrypt_json(KEY, ciphertext, aad=AAD)


def test_lengths_are_size_classes() -> None:
    def length(content: object) -> int:
        return len(encrypt_json(KEY, content, aad=AAD)) - len(encrypt_json(KEY, None, aad=AAD)) + MIN_SIZE_CLASS

    assert length("a" * 510) == length("") == length([{"to": "가" * 100}, False]) == MIN_SIZE_CLASS
    assert length("a" * 511) == length("a" * 1022) == 1024
    assert length("a" * 1023) == 2048


def test_a_ciphertext_without_padding_decrypts() -> None:
    """Written by an earlier version."""
    ciphertext = bytes(12) + AESGCMSIV(KEY).encrypt(bytes(12), b'["a", true]', AAD)
    assert decrypt_json(KEY, ciphertext, aad=AAD) == ["a", True]


def test_equal_contents_encrypt_differently() -> None:
    assert encrypt_json(KEY, ["a"], aad=AAD) != encrypt_json(KEY, ["a"], aad=AAD)

"""Key derivation and stretching: every output depends on every input that it should."""

import hashlib
import itertools
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.crypto.key_derivation import (
    LOCATOR_BYTES,
    DerivedKeys,
    derive_many_row_keys,
    derive_row_keys,
    derive_sentinel_keys,
    derive_token_keys,
)
from app.crypto.keys import StoreKey, hkdf_expand
from app.crypto.stretching import COST_PROFILES, DIGEST_BYTES, SALT_BYTES, Argon2Cost, KdfParams
from tests.crypto.helpers import DATASET, OTHER_DATASET, keys

CHEAPEST = COST_PROFILES["minimal"]


@given(keys, keys, st.uuids(), st.uuids())
def test_row_keys_are_unlinkable(digest: bytes, other: bytes, dataset: UUID, later: UUID) -> None:
    derived = derive_row_keys(digest, dataset)
    assert (len(derived.locator), len(derived.key)) == (LOCATOR_BYTES, 32)
    assert derived == derive_row_keys(digest, dataset)
    if digest != other:
        assert not set(derived) & set(derive_row_keys(other, dataset))
    if dataset != later:
        assert not set(derived) & set(derive_row_keys(digest, later))


@given(st.lists(keys, max_size=8), st.uuids())
def test_many_row_keys_equal_those_derived_singly(digests: list[bytes], dataset: UUID) -> None:
    assert derive_many_row_keys(digests, dataset) == [derive_row_keys(digest, dataset) for digest in digests]
    assert derive_many_row_keys(iter(digests), dataset) == derive_many_row_keys(digests, dataset)


def test_sentinel_keys_follow_the_specification() -> None:
    """Computed with RFC 7693 alone. Any other derivation would not find the stored sentinels."""
    digest = bytes(range(32))
    first, second, third = itertools.islice(derive_sentinel_keys(digest, DATASET), 3)
    assert first == derive_row_keys(digest, DATASET)
    parts = (b"exposure-lookup/1 sentinel", DATASET.bytes, (1).to_bytes(4, "big"))
    framed = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    expanded = hashlib.blake2b(framed, key=digest, digest_size=48, person=b"exposure-lookup/").digest()
    assert second == (expanded[:16], expanded[16:])
    assert len({first, second, third}) == 3


@given(keys, st.integers(0, 255), st.uuids())
def test_every_bit_of_a_digest_changes_the_keys(digest: bytes, bit: int, dataset: UUID) -> None:
    other = (int.from_bytes(digest, "big") ^ 1 << bit).to_bytes(32, "big")
    assert not set(derive_row_keys(digest, dataset)) & set(derive_row_keys(other, dataset))


@given(keys, st.uuids())
def test_locator_key_and_digest_are_unrelated(digest: bytes, dataset: UUID) -> None:
    derived = derive_row_keys(digest, dataset)
    assert derived.locator not in digest
    assert derived.key != digest
    assert derived.locator not in derived.key


tokens = st.integers(0, 300).flatmap(
    lambda length: st.binary(min_size=length, max_size=length).map(lambda token: token.rstrip(b"\0"))
)
"""Tokens without trailing zero bytes, which HMAC ignores. Issued tokens are text and have none."""


@given(tokens)
@example(b"")
@example(bytes(65))
def test_a_token_may_have_any_length(token: bytes) -> None:
    """A client may send any text as a token or client secret: it matches nothing, and is not a server error."""
    derived = derive_token_keys(token, "session")
    assert (len(derived.locator), len(derived.key)) == (LOCATOR_BYTES, 32)
    assert derived.locator not in (token, token[:LOCATOR_BYTES])


@given(keys, keys)
def test_different_tokens_derive_different_keys(token: bytes, other: bytes) -> None:
    assert (derive_token_keys(token, "session") == derive_token_keys(other, "session")) == (token == other)


@given(keys, st.text(max_size=10), st.text(max_size=10))
def test_different_purposes_derive_different_keys(token: bytes, purpose: str, other: str) -> None:
    assert (derive_token_keys(token, purpose) == derive_token_keys(token, other)) == (purpose == other)


@given(keys, st.uuids())
def test_token_keys_never_equal_row_keys(secret: bytes, dataset: UUID) -> None:
    assert not set(derive_row_keys(secret, dataset)) & set(derive_token_keys(secret, str(dataset)))
    assert not set(derive_row_keys(secret, dataset)) & set(derive_token_keys(secret, "session"))


def test_token_keys_differ_from_row_keys_even_for_equal_context_bytes() -> None:
    assert not set(derive_row_keys(bytes(32), UUID(bytes=b"sixteen-letters!"))) & set(
        derive_token_keys(bytes(32), "sixteen-letters!")
    )


def test_repr_hides_derived_keys() -> None:
    derived = DerivedKeys(b"a" * 16, b"k" * 32)
    for shown in (repr(derived), str(derived), f"{derived}", f"{derived!r}", repr([derived])):
        assert "aaaa" not in shown
        assert "kkkk" not in shown


@given(keys, st.text(max_size=20), st.text(max_size=20))
def test_subkeys_of_different_purposes_differ(raw: bytes, purpose: str, other: str) -> None:
    assume(purpose != other)
    key = StoreKey(raw)
    assert key.subkey(purpose) != key.subkey(other)
    assert raw not in (key.subkey(purpose), key.subkey(other))


@given(keys, st.binary(max_size=50), st.integers(1, 200), st.integers(1, 200))
def test_a_longer_hkdf_output_begins_with_the_shorter(raw: bytes, info: bytes, first: int, other: int) -> None:
    short, long = sorted((first, other))
    assert len(hkdf_expand(raw, info=info, length=long)) == long
    assert hkdf_expand(raw, info=info, length=long)[:short] == hkdf_expand(raw, info=info, length=short)


def test_a_digest_depends_on_mac_salt_and_cost() -> None:
    params = KdfParams(bytes(16), CHEAPEST)
    digests = [
        params.stretch(bytes(32)),
        params.stretch(bytes(31) + b"\1"),
        KdfParams(bytes(15) + b"\1", CHEAPEST).stretch(bytes(32)),
        KdfParams(bytes(16), Argon2Cost(passes=2, memory_kib=8)).stretch(bytes(32)),
        KdfParams(bytes(16), Argon2Cost(passes=1, memory_kib=16)).stretch(bytes(32)),
    ]
    assert {len(digest) for digest in digests} == {DIGEST_BYTES}
    assert len(set(digests)) == len(digests)
    assert params.stretch(bytes(32)) == digests[0]


def test_each_deployment_has_its_own_salt() -> None:
    first, other = KdfParams.generate(CHEAPEST), KdfParams.generate(CHEAPEST)
    assert len(first.salt) == SALT_BYTES
    assert first.salt != other.salt
    assert first.cost == CHEAPEST


def test_profiles_are_in_ascending_order() -> None:
    work = [COST_PROFILES[name].passes * COST_PROFILES[name].memory_kib for name in ("minimal", "default", "strong")]
    assert work == sorted(set(work))
    with pytest.raises(TypeError):
        COST_PROFILES["minimal"] = Argon2Cost(9, 9)  # type: ignore[index]


def test_the_test_data_sets_have_different_locators() -> None:
    assert derive_row_keys(bytes(32), DATASET).locator != derive_row_keys(bytes(32), OTHER_DATASET).locator

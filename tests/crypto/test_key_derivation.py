"""Expansion and stretch: everything that is derived depends on everything that it should."""

import hashlib
import itertools
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.crypto.key_derivation import LOCATOR_BYTES, DerivedKeys, derive_row_keys, derive_many_row_keys, derive_sentinel_keys, derive_token_keys
from app.crypto.stretching import DIGEST_BYTES, COST_PROFILES, SALT_BYTES, Argon2Cost, KdfParams
from app.crypto.keys import StoreKey, expand
from tests.crypto.helpers import DATASET, OTHER_DATASET, keys

CHEAPEST = COST_PROFILES["minimal"]


@given(keys, keys, st.uuids(), st.uuids())
def test_places_are_unlinkable(digest: bytes, other: bytes, dataset: UUID, later: UUID) -> None:
    place = derive_row_keys(digest, dataset)
    assert (len(place.locator), len(place.key)) == (LOCATOR_BYTES, 32)
    assert place == derive_row_keys(digest, dataset)
    if digest != other:
        assert not set(place) & set(derive_row_keys(other, dataset))
    if dataset != later:
        assert not set(place) & set(derive_row_keys(digest, later))


@given(st.lists(keys, max_size=8), st.uuids())
def test_many_places_are_found_as_one_by_one(digests: list[bytes], dataset: UUID) -> None:
    assert derive_many_row_keys(digests, dataset) == [derive_row_keys(digest, dataset) for digest in digests]
    assert derive_many_row_keys(iter(digests), dataset) == derive_many_row_keys(digests, dataset)


def test_sentinels_lie_where_they_were_put() -> None:
    """By RFC 7693 alone. Another rule would find none of those that are stored."""
    digest = bytes(range(32))
    first, second, third = itertools.islice(derive_sentinel_keys(digest, DATASET), 3)
    assert first == derive_row_keys(digest, DATASET)
    parts = (b"exposure-lookup/1 sentinel", DATASET.bytes, (1).to_bytes(4, "big"))
    framed = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    expanded = hashlib.blake2b(framed, key=digest, digest_size=48, person=b"exposure-lookup/").digest()
    assert second == (expanded[:16], expanded[16:])
    assert len({first, second, third}) == 3


@given(keys, st.integers(0, 255), st.uuids())
def test_every_bit_of_a_digest_counts(digest: bytes, bit: int, dataset: UUID) -> None:
    other = (int.from_bytes(digest, "big") ^ 1 << bit).to_bytes(32, "big")
    assert not set(derive_row_keys(digest, dataset)) & set(derive_row_keys(other, dataset))


@given(keys, st.uuids())
def test_a_locator_says_nothing_of_its_key(digest: bytes, dataset: UUID) -> None:
    place = derive_row_keys(digest, dataset)
    assert place.locator not in digest
    assert place.key != digest
    assert place.locator not in place.key


shown = st.integers(0, 300).flatmap(
    lambda length: st.binary(min_size=length, max_size=length).map(lambda token: token.rstrip(b"\0"))
)
"""Without zero bytes at the end, which HMAC does not tell from none; tokens that are given out are text, and have none."""


@given(shown)
@example(b"")
@example(bytes(65))
def test_a_token_may_be_of_any_length(token: bytes) -> None:
    """A caller may send any text for a token or a client secret: it finds nothing, and is no failure of ours."""
    place = derive_token_keys(token, "session")
    assert (len(place.locator), len(place.key)) == (LOCATOR_BYTES, 32)
    assert place.locator not in (token, token[:LOCATOR_BYTES])


@given(keys, keys)
def test_each_token_opens_something_of_its_own(token: bytes, other: bytes) -> None:
    assert (derive_token_keys(token, "session") == derive_token_keys(other, "session")) == (token == other)


@given(keys, st.text(max_size=10), st.text(max_size=10))
def test_a_token_opens_one_thing_for_each_purpose(token: bytes, purpose: str, other: str) -> None:
    assert (derive_token_keys(token, purpose) == derive_token_keys(token, other)) == (purpose == other)


@given(keys, st.uuids())
def test_a_token_is_no_digest(secret: bytes, dataset: UUID) -> None:
    assert not set(derive_row_keys(secret, dataset)) & set(derive_token_keys(secret, str(dataset)))
    assert not set(derive_row_keys(secret, dataset)) & set(derive_token_keys(secret, "session"))


def test_nor_is_it_one_where_purpose_and_data_set_are_the_same_bytes() -> None:
    assert not set(derive_row_keys(bytes(32), UUID(bytes=b"sixteen-letters!"))) & set(
        derive_token_keys(bytes(32), "sixteen-letters!")
    )


def test_a_place_does_not_show_itself() -> None:
    place = DerivedKeys(b"a" * 16, b"k" * 32)
    for shown in (repr(place), str(place), f"{place}", f"{place!r}", repr([place])):
        assert "aaaa" not in shown
        assert "kkkk" not in shown


@given(keys, st.text(max_size=20), st.text(max_size=20))
def test_subkeys_are_each_others_strangers(raw: bytes, purpose: str, other: str) -> None:
    assume(purpose != other)
    key = StoreKey(raw)
    assert key.subkey(purpose) != key.subkey(other)
    assert raw not in (key.subkey(purpose), key.subkey(other))


@given(keys, st.binary(max_size=50), st.integers(1, 200), st.integers(1, 200))
def test_a_longer_expansion_begins_with_the_shorter(raw: bytes, info: bytes, one: int, other: int) -> None:
    short, long = sorted((one, other))
    assert len(expand(raw, info=info, length=long)) == long
    assert expand(raw, info=info, length=long)[:short] == expand(raw, info=info, length=short)


def test_a_digest_depends_on_answer_salt_and_cost() -> None:
    scheme = KdfParams(bytes(16), CHEAPEST)
    digests = [
        scheme.stretch(bytes(32)),
        scheme.stretch(bytes(31) + b"\1"),
        KdfParams(bytes(15) + b"\1", CHEAPEST).stretch(bytes(32)),
        KdfParams(bytes(16), Argon2Cost(passes=2, memory_kib=8)).stretch(bytes(32)),
        KdfParams(bytes(16), Argon2Cost(passes=1, memory_kib=16)).stretch(bytes(32)),
    ]
    assert {len(digest) for digest in digests} == {DIGEST_BYTES}
    assert len(set(digests)) == len(digests)
    assert scheme.stretch(bytes(32)) == digests[0]


def test_each_deployment_has_a_salt_of_its_own() -> None:
    one, other = KdfParams.generate(CHEAPEST), KdfParams.generate(CHEAPEST)
    assert len(one.salt) == SALT_BYTES
    assert one.salt != other.salt
    assert one.cost == CHEAPEST


def test_the_profiles_rise() -> None:
    spent = [COST_PROFILES[name].time * COST_PROFILES[name].memory_kib for name in ("minimal", "default", "strong")]
    assert spent == sorted(set(spent))
    with pytest.raises(TypeError):
        COST_PROFILES["minimal"] = Argon2Cost(9, 9)  # type: ignore[index]


def test_the_data_sets_of_the_tests_differ() -> None:
    assert derive_row_keys(bytes(32), DATASET).locator != derive_row_keys(bytes(32), OTHER_DATASET).locator

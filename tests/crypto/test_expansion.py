"""Expansion and stretch: everything that is derived depends on everything that it should."""

import hashlib
import itertools
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.crypto.expansion import LOCATOR_BYTES, Place, row_place, row_places, sentinel_places, token_place
from app.crypto.scheme import DIGEST_BYTES, PROFILES, SALT_BYTES, Cost, Scheme
from app.crypto.secret import StoreKey, expand
from tests.crypto.kit import DATASET, OTHER_DATASET, keys

CHEAPEST = PROFILES["minimal"]


@given(keys, keys, st.uuids(), st.uuids())
def test_places_are_unlinkable(digest: bytes, other: bytes, dataset: UUID, later: UUID) -> None:
    place = row_place(digest, dataset)
    assert (len(place.locator), len(place.key)) == (LOCATOR_BYTES, 32)
    assert place == row_place(digest, dataset)
    if digest != other:
        assert not set(place) & set(row_place(other, dataset))
    if dataset != later:
        assert not set(place) & set(row_place(digest, later))


@given(st.lists(keys, max_size=8), st.uuids())
def test_many_places_are_found_as_one_by_one(digests: list[bytes], dataset: UUID) -> None:
    assert row_places(digests, dataset) == [row_place(digest, dataset) for digest in digests]
    assert row_places(iter(digests), dataset) == row_places(digests, dataset)


def test_sentinels_lie_where_they_were_put() -> None:
    """By RFC 7693 alone. Another rule would find none of those that are stored."""
    digest = bytes(range(32))
    first, second, third = itertools.islice(sentinel_places(digest, DATASET), 3)
    assert first == row_place(digest, DATASET)
    parts = (b"exposure-lookup/1 sentinel", DATASET.bytes, (1).to_bytes(4, "big"))
    framed = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    expanded = hashlib.blake2b(framed, key=digest, digest_size=48, person=b"exposure-lookup/").digest()
    assert second == (expanded[:16], expanded[16:])
    assert len({first, second, third}) == 3


@given(keys, st.integers(0, 255), st.uuids())
def test_every_bit_of_a_digest_counts(digest: bytes, bit: int, dataset: UUID) -> None:
    other = (int.from_bytes(digest, "big") ^ 1 << bit).to_bytes(32, "big")
    assert not set(row_place(digest, dataset)) & set(row_place(other, dataset))


@given(keys, st.uuids())
def test_a_locator_says_nothing_of_its_key(digest: bytes, dataset: UUID) -> None:
    place = row_place(digest, dataset)
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
    place = token_place(token, "session")
    assert (len(place.locator), len(place.key)) == (LOCATOR_BYTES, 32)
    assert place.locator not in (token, token[:LOCATOR_BYTES])


@given(keys, keys)
def test_each_token_opens_something_of_its_own(token: bytes, other: bytes) -> None:
    assert (token_place(token, "session") == token_place(other, "session")) == (token == other)


@given(keys, st.text(max_size=10), st.text(max_size=10))
def test_a_token_opens_one_thing_for_each_purpose(token: bytes, purpose: str, other: str) -> None:
    assert (token_place(token, purpose) == token_place(token, other)) == (purpose == other)


@given(keys, st.uuids())
def test_a_token_is_no_digest(secret: bytes, dataset: UUID) -> None:
    assert not set(row_place(secret, dataset)) & set(token_place(secret, str(dataset)))
    assert not set(row_place(secret, dataset)) & set(token_place(secret, "session"))


def test_nor_is_it_one_where_purpose_and_data_set_are_the_same_bytes() -> None:
    assert not set(row_place(bytes(32), UUID(bytes=b"sixteen-letters!"))) & set(
        token_place(bytes(32), "sixteen-letters!")
    )


def test_a_place_does_not_show_itself() -> None:
    place = Place(b"a" * 16, b"k" * 32)
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
    scheme = Scheme(bytes(16), CHEAPEST)
    digests = [
        scheme.stretch(bytes(32)),
        scheme.stretch(bytes(31) + b"\1"),
        Scheme(bytes(15) + b"\1", CHEAPEST).stretch(bytes(32)),
        Scheme(bytes(16), Cost(time=2, memory_kib=8)).stretch(bytes(32)),
        Scheme(bytes(16), Cost(time=1, memory_kib=16)).stretch(bytes(32)),
    ]
    assert {len(digest) for digest in digests} == {DIGEST_BYTES}
    assert len(set(digests)) == len(digests)
    assert scheme.stretch(bytes(32)) == digests[0]


def test_each_deployment_has_a_salt_of_its_own() -> None:
    one, other = Scheme.generate(CHEAPEST), Scheme.generate(CHEAPEST)
    assert len(one.salt) == SALT_BYTES
    assert one.salt != other.salt
    assert one.cost == CHEAPEST


def test_the_profiles_rise() -> None:
    spent = [PROFILES[name].time * PROFILES[name].memory_kib for name in ("minimal", "default", "strong")]
    assert spent == sorted(set(spent))
    with pytest.raises(TypeError):
        PROFILES["minimal"] = Cost(9, 9)  # type: ignore[index]


def test_the_data_sets_of_the_tests_differ() -> None:
    assert row_place(bytes(32), DATASET).locator != row_place(bytes(32), OTHER_DATASET).locator

"""Manifests: what is lost, changed, moved or made up shows."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.row_sealing import SIZE_CLASSES, DecryptionFailed, RowSealer
from app.crypto.keys import SigningKey, StoreKey
from app.datasets.manifest import RowMultisetHash, InvalidManifest, Manifest, Row, read_signed_manifest
from app.datasets.lifecycle import DataSet
from tests.crypto.helpers import DATASET, OTHER_DATASET, flip_bits

KEY, SIGNING = StoreKey(bytes(range(32))), SigningKey(bytes(range(32, 64)))
SEALER = RowSealer(KEY, DATASET)
MODULUS = 2**128

stored_rows: st.SearchStrategy[list[Row]] = st.lists(
    st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 2**31 - 1), st.binary(min_size=16, max_size=64)),
    max_size=12,
)
some_rows = stored_rows.filter(bool)
sealed_rows: st.SearchStrategy[list[Row]] = st.lists(
    st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 30), st.binary(max_size=40)),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row[:2],
).map(lambda rows: [sealed(*row) for row in rows])
"""As an import stores them."""


def sealed(locator: bytes, entry: int, content: bytes) -> Row:
    return SEALER.encrypt_locators(locator), entry, SEALER.seal(locator, entry, b"row's ta", content, SIZE_CLASSES[0])


def opens(row: Row) -> bool:
    locator, entry, outer = row
    try:
        SEALER.open(SEALER.decrypt_locators(locator), entry, outer)
    except DecryptionFailed:
        return False
    return True


def account_of(rows: Sequence[Row], key: StoreKey = KEY) -> RowMultisetHash:
    account = RowMultisetHash(key)
    account.add([sealed for _, _, sealed in rows])
    return account


def manifest_of(rows: Sequence[Row], people: int = 3) -> Manifest:
    return Manifest.create(
        account_of(rows), KEY, dataset=DATASET, incident="sample", kind="full", hints=True, people=people
    )


def tags_of(rows: Sequence[Row]) -> list[bytes]:
    return sorted(sealed[-16:] for _, _, sealed in rows)


@given(stored_rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[Row], chance: random.Random) -> None:
    shuffled = rows.copy()
    chance.shuffle(shuffled)
    assert manifest_of(shuffled) == manifest_of(rows)
    assert manifest_of(rows).matches(account_of(shuffled))
    assert account_of(rows).total == account_of(shuffled).total


@given(stored_rows)
def test_rows_added_one_by_one_or_together_are_the_same_account(rows: list[Row]) -> None:
    single = RowMultisetHash(KEY)
    single.add([])
    for _, _, outer in rows:
        single.add([outer])
    assert (single.count, single.total) == (account_of(rows).count, account_of(rows).total)
    assert single.count == len(rows)


@given(st.lists(stored_rows, max_size=5))
def test_joined_parts_are_the_whole(parts: list[list[Row]]) -> None:
    """As the workers of an import make them, each with an account of its own."""
    whole = account_of([row for part in parts for row in part])
    joined = RowMultisetHash(KEY)
    for part in map(account_of, parts):
        joined.join(part.count, part.total)
    assert (joined.count, joined.total) == (whole.count, whole.total)


@given(st.lists(st.integers(0, MODULUS - 1), max_size=6))
def test_the_sum_stays_below_its_modulus(totals: list[int]) -> None:
    account = RowMultisetHash(KEY)
    for total in (*totals, MODULUS - 1, 1):
        account.join(1, total)
        assert 0 <= account.total < MODULUS
    assert account.total == sum(totals) % MODULUS
    assert account.count == len(totals) + 2


@given(stored_rows, stored_rows)
def test_accounts_are_equal_where_the_seals_tags_are(rows: list[Row], others: list[Row]) -> None:
    one, other = account_of(rows), account_of(others)
    assert ((one.count, one.total) == (other.count, other.total)) == (tags_of(rows) == tags_of(others))
    assert 0 <= one.total < MODULUS


@given(some_rows, st.integers(0, 100), st.integers(0, 127))
def test_a_changed_tag_shows(rows: list[Row], which: int, bit: int) -> None:
    locator, entry, outer = rows[which := which % len(rows)]
    tag = (int.from_bytes(outer[-16:], "big") ^ 1 << bit).to_bytes(16, "big")
    changed = (locator, entry, outer[:-16] + tag)
    assert not manifest_of(rows).matches(account_of([*rows[:which], changed, *rows[which + 1 :]]))


@given(sealed_rows, st.integers(0, 100), st.integers(1, 255), st.integers(0, 200))
def test_a_changed_row_does_not_open(rows: list[Row], which: int, by: int, at: int) -> None:
    """What an account does not see of a row, the seal does: so verifying opens each."""
    locator, entry, outer = rows[which % len(rows)]
    assert opens((locator, entry, outer))
    for changed in (
        (flip_bits(locator, at, by), entry, outer),
        (locator, entry ^ by, outer),
        (locator, entry, flip_bits(outer, at, by)),
        (locator, entry, outer + b"\0"),
        (locator, entry, b"\0" + outer),
        (locator, entry, outer[1:]),
        (locator + locator, entry, outer),
    ):
        assert not opens(changed)


@given(sealed_rows.filter(lambda rows: len(rows) > 1))
def test_rows_that_changed_places_do_not_open(rows: list[Row]) -> None:
    """Their account is the same."""
    (one_place, one_entry, one), (other_place, other_entry, other), *_ = rows
    moved = [(one_place, one_entry, other), (other_place, other_entry, one)]
    assert account_of(moved).total == account_of(rows[:2]).total
    assert not any(map(opens, moved))


@given(sealed_rows, st.binary(max_size=40))
def test_a_row_of_an_older_state_opens_and_shows(rows: list[Row], content: bytes) -> None:
    """Sealed under the same key, at the same place: only the manifest knows that it is not the one."""
    place, entry, outer = rows[0]
    older = sealed(SEALER.decrypt_locators(place), entry, content)
    assert opens(older)
    assert manifest_of(rows).matches(account_of([older, *rows[1:]])) == (older[2] == outer)


@given(some_rows)
def test_a_lost_or_added_row_shows(rows: list[Row]) -> None:
    manifest = manifest_of(rows)
    assert manifest.matches(account_of(rows))
    assert not manifest.matches(account_of(rows[1:]))
    assert not manifest.matches(account_of([*rows, rows[0]]))
    assert not manifest.matches(account_of([*rows[1:], (bytes(16), 0, b"made up, and long enough")]))
    assert not manifest.matches(RowMultisetHash(KEY))


@given(some_rows)
def test_the_count_counts(rows: list[Row]) -> None:
    manifest = manifest_of(rows)
    account = account_of(rows)
    account.join(1, 0)
    assert not manifest.matches(account)
    account.join(-1, 0)
    assert manifest.matches(account)
    account.join(0, 1)
    assert not manifest.matches(account)


@given(some_rows)
def test_an_account_needs_the_store_key(rows: list[Row]) -> None:
    assert not manifest_of(rows).matches(account_of(rows, StoreKey(bytes(32))))


def test_pairs_of_rows_do_not_cancel() -> None:
    """As they would under XOR."""
    row = (bytes(16), 0, b"a sealed row's bytes")
    assert account_of([row, row]).total != account_of([]).total
    assert account_of([]).total == 0


@given(st.lists(st.integers(0, MODULUS - 1), min_size=2, max_size=2, unique=True), st.integers(1, MODULUS - 1))
def test_the_sum_is_of_secret_numbers_not_of_the_tags(tags: list[int], by: int) -> None:
    """Whoever has the database alone cannot offset what was added to one tag by taking it from another."""
    one, other = tags
    shifted = [(one + by) % MODULUS, (other - by) % MODULUS]
    before, after = (account_of([(bytes(16), 0, tag.to_bytes(16, "big")) for tag in some]) for some in (tags, shifted))
    assert (before.total == after.total) == (sorted(tags) == sorted(shifted))
    assert before.total != (one + other) % MODULUS
    crossed = [one & ~1 | other & 1, other & ~1 | one & 1]  # the sum, and the XOR, are the same
    account = account_of([(bytes(16), 0, tag.to_bytes(16, "big")) for tag in crossed])
    assert (before.total == account.total) == (sorted(tags) == sorted(crossed))


@given(stored_rows, stored_rows)
def test_a_person_is_taken_out(staying: list[Row], going: list[Row]) -> None:
    before = manifest_of(staying + going)
    after = before.without(going, KEY)
    assert after.matches(account_of(staying))
    assert after.digest == manifest_of(staying).digest
    assert after == replace(before, rows=len(staying), people=2, suppressed=1, digest=after.digest)
    assert (len(before.digest), len(after.digest)) == (32, 32)


@given(stored_rows)
def test_a_signed_manifest_is_read(rows: list[Row]) -> None:
    manifest = manifest_of(rows)
    payload, signature = manifest.sign(SIGNING)
    assert read_signed_manifest(payload, signature, SIGNING) == manifest
    assert manifest.sign(SIGNING) == (payload, signature)
    assert rfc8785.dumps(json.loads(payload)) == payload
    assert json.loads(payload)["type"] == "exposure-lookup/1 manifest"


def test_a_manifest_describes_its_own_data_set() -> None:
    manifest = manifest_of([(bytes(16), 0, b"a sealed row's bytes")])
    kept = SimpleNamespace(id=DATASET, incident="sample", kind="full", key_id=KEY.id, rows=1, people=3)
    assert manifest.describes(cast("DataSet", kept))
    others = {
        "id": OTHER_DATASET,
        "incident": "other",
        "kind": "supplement",
        "key_id": "0" * 16,
        "rows": 2,
        "people": 2,
    }
    for name, value in others.items():
        assert not manifest.describes(cast("DataSet", SimpleNamespace(**(vars(kept) | {name: value}))))


def test_no_byte_of_a_signed_manifest_can_be_changed() -> None:
    payload, signature = manifest_of([(bytes(16), 0, b"a sealed row's bytes")]).sign(SIGNING)
    for at in range(len(payload)):
        with pytest.raises(InvalidManifest):
            read_signed_manifest(flip_bits(payload, at, 1), signature, SIGNING)
    for at in range(len(signature)):
        with pytest.raises(InvalidManifest):
            read_signed_manifest(payload, flip_bits(signature, at, 1), SIGNING)


@pytest.mark.parametrize("field", [field.name for field in fields(Manifest)])
def test_every_field_is_signed(field: str) -> None:
    manifest = manifest_of([(bytes(16), 0, b"a sealed row's bytes")])
    value = getattr(manifest, field)
    other: Any = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else value + "0"
    payload, _ = replace(manifest, **{field: other}).sign(SIGNING)
    _, signature = manifest.sign(SIGNING)
    with pytest.raises(InvalidManifest):
        read_signed_manifest(payload, signature, SIGNING)


def test_another_key_signs_nothing_here() -> None:
    payload, signature = manifest_of([]).sign(SIGNING)
    with pytest.raises(InvalidManifest):
        read_signed_manifest(payload, signature, SigningKey(bytes(32)))


@pytest.mark.parametrize(
    ("payload", "signature"), [(b"", b""), (b"{}", b"x" * 64), ("{}", b"x" * 64), (b"{}", "x"), (None, None)]
)
def test_whatever_a_database_hands_over_is_a_bad_manifest(payload: Any, signature: Any) -> None:
    with pytest.raises(InvalidManifest):
        read_signed_manifest(payload, signature, SIGNING)


def _retyped(content: dict[str, Any]) -> dict[str, Any]:
    return content | {"type": "exposure-lookup/1 receipt"}


def _untyped(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "type"}


def _shorter(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "rows"}


def _longer(content: dict[str, Any]) -> dict[str, Any]:
    return content | {"more": 1}


@pytest.mark.parametrize(
    "change", [_retyped, _untyped, _shorter, _longer, lambda _: [], lambda _: "text", lambda _: None]
)
def test_other_things_that_the_key_signed_are_no_manifest(change: Callable[[dict[str, Any]], object]) -> None:
    payload, _ = manifest_of([]).sign(SIGNING)
    other = json.dumps(change(json.loads(payload))).encode()
    signature = Ed25519PrivateKey.from_private_bytes(SIGNING.subkey("manifests")).sign(other)
    with pytest.raises(InvalidManifest):
        read_signed_manifest(other, signature, SIGNING)


@pytest.mark.parametrize("other", [b"\xff", b"{", b""])
def test_signed_bytes_that_are_no_json_are_no_manifest(other: bytes) -> None:
    signature = Ed25519PrivateKey.from_private_bytes(SIGNING.subkey("manifests")).sign(other)
    with pytest.raises(InvalidManifest):
        read_signed_manifest(other, signature, SIGNING)

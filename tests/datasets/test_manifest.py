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

from app.crypto.secret import SigningKey, StoreKey
from app.datasets.manifest import Account, BadManifest, Manifest, Row, read_signed
from app.datasets.versions import DataSet
from tests.crypto.kit import DATASET, OTHER_DATASET, flipped

KEY, SIGNING = StoreKey(bytes(range(32))), SigningKey(bytes(range(32, 64)))

stored_rows: st.SearchStrategy[list[Row]] = st.lists(
    st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 2**31 - 1), st.binary(min_size=1, max_size=64)),
    max_size=12,
)
some_rows = stored_rows.filter(bool)


def manifest_of(rows: Sequence[Row], people: int = 3) -> Manifest:
    return Manifest.of(rows, KEY, dataset=DATASET, incident="sample", kind="full", hints=True, people=people)


def account_of(rows: Sequence[Row], key: StoreKey = KEY) -> Account:
    account = Account(key)
    for row in rows:
        account.add(*row)
    return account


@given(stored_rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[Row], chance: random.Random) -> None:
    shuffled = rows.copy()
    chance.shuffle(shuffled)
    assert manifest_of(shuffled) == manifest_of(rows)
    assert manifest_of(rows).matches(account_of(shuffled))
    assert account_of(rows).total == account_of(shuffled).total


@given(stored_rows, stored_rows)
def test_accounts_are_equal_where_the_rows_are(rows: list[Row], others: list[Row]) -> None:
    one, other = account_of(rows), account_of(others)
    assert ((one.count, one.total) == (other.count, other.total)) == (sorted(rows) == sorted(others))
    assert 0 <= one.total < 2**256


@given(some_rows, st.integers(0, 100), st.integers(1, 255), st.integers(0, 100))
def test_a_changed_row_shows(rows: list[Row], which: int, by: int, at: int) -> None:
    locator, entry, sealed = rows[which := which % len(rows)]
    for changed in (
        (flipped(locator, at, by), entry, sealed),
        (locator, entry ^ by, sealed),
        (locator, entry, flipped(sealed, at, by)),
        (locator, entry, sealed + b"\0"),
    ):
        assert not manifest_of(rows).matches(account_of([*rows[:which], changed, *rows[which + 1 :]]))


@given(some_rows)
def test_a_lost_or_added_row_shows(rows: list[Row]) -> None:
    manifest = manifest_of(rows)
    assert not manifest.matches(account_of(rows[1:]))
    assert not manifest.matches(account_of([*rows, rows[0]]))
    assert not manifest.matches(account_of([*rows[1:], (bytes(16), 0, b"made up")]))


@given(some_rows)
def test_bytes_that_move_between_columns_show(rows: list[Row]) -> None:
    locator, entry, sealed = rows[0]
    moved = (
        locator + entry.to_bytes(8, "big")[:1],
        int.from_bytes(entry.to_bytes(8, "big")[1:] + sealed[:1], "big"),
        sealed[1:],
    )
    assert not manifest_of(rows).matches(account_of([moved, *rows[1:]]))


@given(some_rows)
def test_an_account_needs_the_store_key(rows: list[Row]) -> None:
    assert not manifest_of(rows).matches(account_of(rows, StoreKey(bytes(32))))


def test_pairs_of_rows_do_not_cancel() -> None:
    """As they would under XOR."""
    row = (bytes(16), 0, b"sealed")
    assert account_of([row, row]).total != account_of([]).total
    assert account_of([]).total == 0


@given(stored_rows, stored_rows)
def test_a_person_is_taken_out(staying: list[Row], going: list[Row]) -> None:
    before = manifest_of(staying + going)
    after = before.without(going, KEY)
    assert after.matches(account_of(staying))
    assert after.digest == manifest_of(staying).digest
    assert after == replace(before, rows=len(staying), people=2, suppressed=1, digest=after.digest)
    assert (len(before.digest), len(after.digest)) == (64, 64)


@given(stored_rows)
def test_a_signed_manifest_is_read(rows: list[Row]) -> None:
    manifest = manifest_of(rows)
    payload, signature = manifest.sign(SIGNING)
    assert read_signed(payload, signature, SIGNING) == manifest
    assert manifest.sign(SIGNING) == (payload, signature)
    assert rfc8785.dumps(json.loads(payload)) == payload
    assert json.loads(payload)["type"] == "exposure-lookup/1 manifest"


def test_a_manifest_describes_its_own_data_set() -> None:
    manifest = manifest_of([(bytes(16), 0, b"sealed")])
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
    payload, signature = manifest_of([(bytes(16), 0, b"sealed")]).sign(SIGNING)
    for at in range(len(payload)):
        with pytest.raises(BadManifest):
            read_signed(flipped(payload, at, 1), signature, SIGNING)
    for at in range(len(signature)):
        with pytest.raises(BadManifest):
            read_signed(payload, flipped(signature, at, 1), SIGNING)


@pytest.mark.parametrize("field", [field.name for field in fields(Manifest)])
def test_every_field_is_signed(field: str) -> None:
    manifest = manifest_of([(bytes(16), 0, b"sealed")])
    value = getattr(manifest, field)
    other: Any = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else value + "0"
    payload, _ = replace(manifest, **{field: other}).sign(SIGNING)
    _, signature = manifest.sign(SIGNING)
    with pytest.raises(BadManifest):
        read_signed(payload, signature, SIGNING)


def test_another_key_signs_nothing_here() -> None:
    payload, signature = manifest_of([]).sign(SIGNING)
    with pytest.raises(BadManifest):
        read_signed(payload, signature, SigningKey(bytes(32)))


@pytest.mark.parametrize(
    ("payload", "signature"), [(b"", b""), (b"{}", b"x" * 64), ("{}", b"x" * 64), (b"{}", "x"), (None, None)]
)
def test_whatever_a_database_hands_over_is_a_bad_manifest(payload: Any, signature: Any) -> None:
    with pytest.raises(BadManifest):
        read_signed(payload, signature, SIGNING)


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
    with pytest.raises(BadManifest):
        read_signed(other, signature, SIGNING)


@pytest.mark.parametrize("other", [b"\xff", b"{", b""])
def test_signed_bytes_that_are_no_json_are_no_manifest(other: bytes) -> None:
    signature = Ed25519PrivateKey.from_private_bytes(SIGNING.subkey("manifests")).sign(other)
    with pytest.raises(BadManifest):
        read_signed(other, signature, SIGNING)

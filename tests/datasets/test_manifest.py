"""Signed manifests: they round-trip, match only their data set, and any change is rejected."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given

from app.crypto.keys import SigningKey
from app.datasets.lifecycle import DataSet
from app.datasets.manifest import InvalidManifest, Manifest, StoredRow, read_signed_manifest
from tests.crypto.helpers import DATASET, OTHER_DATASET, flip_bits
from tests.datasets.manifest_rows import STORE_KEY, arbitrary_rows, hash_rows, make_manifest

SIGNING_KEY = SigningKey(bytes(range(32, 64)))


@given(arbitrary_rows, arbitrary_rows)
def test_without_person_equals_a_manifest_of_the_other_rows(
    remaining: list[StoredRow], removed: list[StoredRow]
) -> None:
    before = make_manifest(remaining + removed)
    after = before.without_person(removed, STORE_KEY)
    assert after.matches_rows(hash_rows(remaining))
    assert after.digest == make_manifest(remaining).digest
    assert after == replace(before, rows=len(remaining), people=2, suppressed=1, digest=after.digest)
    assert (len(before.digest), len(after.digest)) == (32, 32)


@given(arbitrary_rows)
def test_signed_manifest_round_trip(rows: list[StoredRow]) -> None:
    manifest = make_manifest(rows)
    payload, signature = manifest.sign(SIGNING_KEY)
    assert read_signed_manifest(payload, signature, SIGNING_KEY) == manifest
    assert manifest.sign(SIGNING_KEY) == (payload, signature)
    assert rfc8785.dumps(json.loads(payload)) == payload
    assert json.loads(payload)["type"] == "exposure-lookup/1 manifest"


def test_manifest_matches_only_its_own_catalogue_entry() -> None:
    manifest = make_manifest([(bytes(16), 0, b"a sealed row's bytes")])
    catalogue_entry = SimpleNamespace(id=DATASET, incident="sample", kind="full", key_id=STORE_KEY.id, rows=1, people=3)
    assert manifest.matches_catalog(cast("DataSet", catalogue_entry))
    changes = {
        "id": OTHER_DATASET,
        "incident": "other",
        "kind": "supplement",
        "key_id": "0" * 16,
        "rows": 2,
        "people": 2,
    }
    for name, value in changes.items():
        assert not manifest.matches_catalog(cast("DataSet", SimpleNamespace(**(vars(catalogue_entry) | {name: value}))))


def test_changed_payload_or_signature_is_rejected() -> None:
    payload, signature = make_manifest([(bytes(16), 0, b"a sealed row's bytes")]).sign(SIGNING_KEY)
    for index in range(len(payload)):
        with pytest.raises(InvalidManifest):
            read_signed_manifest(flip_bits(payload, index, 1), signature, SIGNING_KEY)
    for index in range(len(signature)):
        with pytest.raises(InvalidManifest):
            read_signed_manifest(payload, flip_bits(signature, index, 1), SIGNING_KEY)


@pytest.mark.parametrize("field", [field.name for field in fields(Manifest)])
def test_every_field_is_signed(field: str) -> None:
    manifest = make_manifest([(bytes(16), 0, b"a sealed row's bytes")])
    value = getattr(manifest, field)
    changed_value: Any = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else value + "0"
    payload, _ = replace(manifest, **{field: changed_value}).sign(SIGNING_KEY)
    _, signature = manifest.sign(SIGNING_KEY)
    with pytest.raises(InvalidManifest):
        read_signed_manifest(payload, signature, SIGNING_KEY)


def test_signature_of_another_key_is_rejected() -> None:
    payload, signature = make_manifest([]).sign(SIGNING_KEY)
    with pytest.raises(InvalidManifest):
        read_signed_manifest(payload, signature, SigningKey(bytes(32)))


@pytest.mark.parametrize(
    ("payload", "signature"), [(b"", b""), (b"{}", b"x" * 64), ("{}", b"x" * 64), (b"{}", "x"), (None, None)]
)
def test_malformed_database_values_are_rejected(payload: Any, signature: Any) -> None:
    with pytest.raises(InvalidManifest):
        read_signed_manifest(payload, signature, SIGNING_KEY)


def _with_other_type(content: dict[str, Any]) -> dict[str, Any]:
    return content | {"type": "exposure-lookup/1 receipt"}


def _without_type(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "type"}


def _without_rows(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "rows"}


def _with_extra_field(content: dict[str, Any]) -> dict[str, Any]:
    return content | {"more": 1}


@pytest.mark.parametrize(
    "change",
    [_with_other_type, _without_type, _without_rows, _with_extra_field, lambda _: [], lambda _: "text", lambda _: None],
)
def test_other_signed_content_is_rejected(change: Callable[[dict[str, Any]], object]) -> None:
    payload, _ = make_manifest([]).sign(SIGNING_KEY)
    content = json.dumps(change(json.loads(payload))).encode()
    signature = Ed25519PrivateKey.from_private_bytes(SIGNING_KEY.subkey("manifests")).sign(content)
    with pytest.raises(InvalidManifest):
        read_signed_manifest(content, signature, SIGNING_KEY)


@pytest.mark.parametrize("content", [b"\xff", b"{", b""])
def test_signed_bytes_that_are_not_json_are_rejected(content: bytes) -> None:
    signature = Ed25519PrivateKey.from_private_bytes(SIGNING_KEY.subkey("manifests")).sign(content)
    with pytest.raises(InvalidManifest):
        read_signed_manifest(content, signature, SIGNING_KEY)

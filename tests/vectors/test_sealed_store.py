"""Check the keys, records, rows and manifest of the store, in the application and in the second implementation, against the vectors."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from app.acknowledgements import ReceiptSigner
from app.acknowledgements.receipts import encode_base64url
from app.crypto.key_derivation import DerivedKeys, derive_many_row_keys, derive_row_keys
from app.crypto.keys import SigningKey
from app.crypto.padding import pad, unpad
from app.crypto.row_sealing import (
    OVERFLOW_MARKER,
    SIZE_CLASSES,
    RowSealer,
    decrypt_aead,
    derive_row_tag,
    size_class_for_inner,
    size_class_for_record,
)
from app.datasets.manifest import Manifest, RowMultisetHash, read_signed_manifest
from app.datasets.record import COMPARED_KINDS, Record, Sentinel, decode, encode
from tests.vectors import make
from tests.vectors import reference as ref
from tests.vectors.helpers import DATASET, STORE_KEY, VECTORS, decode_hex, vector_params

SIGNING_KEY = SigningKey(bytes.fromhex(VECTORS["keys"]["signing"]))
DERIVED_KEYS = {keys["name"]: keys for keys in VECTORS["places"]}


def derived_keys_of(row: dict[str, Any]) -> DerivedKeys:
    return DerivedKeys(*decode_hex(DERIVED_KEYS[row["place"]], "locator", "record_key"))


def to_record(record: dict[str, Any]) -> Record | Sentinel:
    """Convert a record of the vectors to the application's type."""
    if record["type"] == "sentinel":
        return Sentinel(tuple(record["cohorts"]))
    return Record(
        subject=bytes.fromhex(record["subject"]),
        role=record["role"],
        confidence=record["confidence"],
        items=record["items"],
        cohorts=tuple(record["cohorts"]),
        tags={kind: tuple(map(bytes.fromhex, tags)) for kind, tags in record["tags"].items()},
        siblings=tuple(map(bytes.fromhex, record["siblings"])),
        hints={kind: tuple(hints) for kind, hints in record.get("hints", {}).items()},
    )


def test_the_file_is_the_output_of_its_command() -> None:
    assert make.PATH.read_text(encoding="utf-8") == make.render()


@pytest.mark.parametrize("vector", vector_params(VECTORS["places"], "name"))
def test_row_keys(vector: dict[str, Any]) -> None:
    digest, info, locator, key = decode_hex(vector, "digest", "info", "locator", "record_key")
    dataset = UUID(vector["dataset"])
    assert derive_row_keys(digest, dataset) == (locator, key)
    assert derive_many_row_keys([bytes(32), digest], dataset)[1] == (locator, key)
    assert ref.row_info(dataset) == info
    assert ref.derive_row_keys(digest, info) == (locator, key)


def test_store_key() -> None:
    raw = STORE_KEY.reveal()
    assert STORE_KEY.id == ref.subkey(raw, "key id", 8).hex() == VECTORS["store_key"]["id"]
    for name, purpose in {"cloak": "cloak", "outer": "outer seal", "manifest": "manifest"}.items():
        assert STORE_KEY.subkey(purpose).hex() == ref.subkey(raw, purpose).hex() == VECTORS["store_key"][name]


@pytest.mark.parametrize("vector", vector_params(VECTORS["records"], "name"))
def test_records(vector: dict[str, Any]) -> None:
    (encoded,) = decode_hex(vector, "encoded")
    assert ref.encode_record(vector) == encoded
    assert encode(to_record(vector)) == encoded
    assert decode(encoded) == to_record(vector)


@pytest.mark.parametrize("vector", vector_params(VECTORS["rows"], "name"))
def test_rows_encrypt_to_the_vectors(vector: dict[str, Any]) -> None:
    derived, entry, size = derived_keys_of(vector), vector["entry"], vector["size"]
    inner, tag, sealed, encrypted_locator = decode_hex(vector, "inner", "row_tag", "sealed", "cloaked_locator")
    sealer = RowSealer(STORE_KEY, DATASET)
    if inner == OVERFLOW_MARKER:
        assert (vector["name"][:6], tag) == ("marker", bytes(8))
    else:
        record, padded, inner_data = decode_hex(vector, "record", "padded_record", "inner_data")
        assert pad(record, len(padded)) == ref.pad(record, len(padded)) == padded
        assert ref.inner_aad(DATASET, derived.locator) == inner_data
        assert ref.encrypt_gcm_siv(derived.key, bytes(12), padded, inner_data) == inner
        assert sealer.record_sealer.seal(derived, record) == inner
        assert size_class_for_record(len(record)) == ref.size_class(record) == size_class_for_inner(len(inner))
        assert size_class_for_inner(len(inner)) <= size
    if "subject" in vector:
        subject = bytes.fromhex(vector["subject"])
        assert derive_row_tag(subject, derived.locator) == ref.derive_row_tag(subject, derived.locator) == tag
    nonce, outer_data, plain = decode_hex(vector, "outer_nonce", "outer_data", "outer_plaintext")
    assert nonce == entry.to_bytes(12, "big")
    assert ref.outer_aad(DATASET, derived.locator, entry, STORE_KEY.id) == outer_data
    assert ref.pad(tag + inner, size - 16) == plain
    assert ref.encrypt_gcm_siv(ref.subkey(STORE_KEY.reveal(), "outer seal"), nonce, plain, outer_data) == sealed
    assert sealer.seal(derived.locator, entry, tag, inner, size) == sealed
    assert sealer.encrypt_locators(derived.locator) == ref.encrypt_aes_block(
        ref.subkey(STORE_KEY.reveal(), "cloak"), derived.locator
    )
    assert sealer.encrypt_locators(derived.locator) == encrypted_locator


@pytest.mark.parametrize("vector", vector_params(VECTORS["rows"], "name"))
def test_rows_decrypt_to_their_records(vector: dict[str, Any]) -> None:
    derived = derived_keys_of(vector)
    inner, tag, sealed, encrypted_locator = decode_hex(vector, "inner", "row_tag", "sealed", "cloaked_locator")
    sealer = RowSealer(STORE_KEY, DATASET)
    assert sealer.decrypt_locators(encrypted_locator) == derived.locator
    assert sealer.open(derived.locator, vector["entry"], sealed) == (tag, inner)
    if inner != OVERFLOW_MARKER:
        record, padded = decode_hex(vector, "record", "padded_record")
        assert unpad(padded) == sealer.record_sealer.open(derived, inner) == record
        assert record.hex() in [record["encoded"] for record in VECTORS["records"]]


def test_a_typical_row_takes_124_bytes() -> None:
    common = VECTORS["rows"][0]
    assert (len(common["record"]) // 2, len(common["sealed"]) // 2) == (60, 124)


def test_size_classes_and_compared_kinds_match_the_reference() -> None:
    assert list(SIZE_CLASSES) == ref.SIZES
    assert list(COMPARED_KINDS) == ref.COMPARED
    for size in ref.SIZES:
        assert size_class_for_record(size - 42) == ref.size_class(bytes(size - 42)) == size


def test_all_locators_encrypted_at_once() -> None:
    sealer = RowSealer(STORE_KEY, DATASET)
    locators = b"".join(derived_keys_of(row).locator for row in VECTORS["rows"])
    encrypted_locator = b"".join(bytes.fromhex(row["cloaked_locator"]) for row in VECTORS["rows"])
    assert sealer.encrypt_locators(locators) == encrypted_locator
    assert sealer.decrypt_locators(encrypted_locator) == locators


def test_manifest() -> None:
    vector = VECTORS["manifest"]
    rows = [row for row in VECTORS["rows"] if row["name"] in vector["of_rows"]]
    stored = [(bytes.fromhex(row["cloaked_locator"]), row["entry"], bytes.fromhex(row["sealed"])) for row in rows]
    key = ref.subkey(STORE_KEY.reveal(), "manifest")
    for (_, _, sealed), expected in zip(stored, vector["row_numbers"], strict=True):
        row_hash = RowMultisetHash(STORE_KEY)
        row_hash.add([sealed])
        assert f"{row_hash.total:032x}" == ref.row_number(key, sealed).hex() == expected
    all_rows = RowMultisetHash(STORE_KEY)
    all_rows.add([sealed for _, _, sealed in stored])
    content = vector["content"]
    manifest = Manifest.create(
        all_rows,
        STORE_KEY,
        dataset=DATASET,
        incident=content["incident"],
        kind=content["kind"],
        hints=content["hints"],
        people=content["people"],
    )
    payload, signature = decode_hex(vector, "payload", "signature")
    assert manifest.digest == ref.sum_row_numbers(list(map(bytes.fromhex, vector["row_numbers"]))) == content["digest"]
    assert manifest.sign(SIGNING_KEY) == (payload, signature)
    assert ref.canonical_json(content) == payload
    for purpose in ("manifests", "receipts"):
        seed = ref.subkey(SIGNING_KEY.reveal(), purpose)
        assert seed.hex() == VECTORS["keys"][f"{purpose}_seed"]
        assert ref.ed25519_public_key(seed).hex() == VECTORS["keys"][f"{purpose}_public"]
    assert ref.ed25519_sign(bytes.fromhex(VECTORS["keys"]["manifests_seed"]), payload) == signature
    assert (
        encode_base64url(bytes.fromhex(VECTORS["keys"]["receipts_public"])) == ReceiptSigner(SIGNING_KEY).key.public_key
    )
    assert read_signed_manifest(payload, signature, SIGNING_KEY) == manifest
    remaining = manifest.without_person(stored[:2], STORE_KEY)
    assert {"type": content["type"], **asdict(remaining)} == vector["without_the_first_two_rows"]


def test_a_row_number_is_its_encrypted_aead_tag() -> None:
    """With the primitive alone: AES of the last 16 bytes of a stored row, as one block."""
    key = bytes.fromhex(VECTORS["store_key"]["manifest"])
    rows = {row["name"]: row for row in VECTORS["rows"]}
    for name, number in zip(VECTORS["manifest"]["of_rows"], VECTORS["manifest"]["row_numbers"], strict=True):
        assert ref.encrypt_aes_block(key, bytes.fromhex(rows[name]["sealed"][-32:])).hex() == number
    numbers = [int(number, 16) for number in VECTORS["manifest"]["row_numbers"]]
    assert sum(numbers) >= 2**128  # otherwise the vector would not test the modulus
    assert int(VECTORS["manifest"]["content"]["digest"], 16) == sum(numbers) % 2**128


def test_outer_ciphertexts_decrypt_with_the_primitive_alone() -> None:
    aead = AESGCMSIV(bytes.fromhex(VECTORS["store_key"]["outer"]))
    for row in VECTORS["rows"]:
        nonce, data, sealed, plain = decode_hex(row, "outer_nonce", "outer_data", "sealed", "outer_plaintext")
        assert decrypt_aead(aead, nonce, sealed, data) == plain

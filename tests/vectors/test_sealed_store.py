"""Check the application and the second implementation against the vectors, and the primitives against those of their standards."""

import json
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from app.acknowledgements import ReceiptSigner
from app.acknowledgements.receipts import encode_base64url
from app.crypto import mac_inputs
from app.crypto.framing import frame
from app.crypto.key_derivation import DerivedKeys, derive_many_row_keys, derive_row_keys, derive_token_keys
from app.crypto.key_files import create_key_file
from app.crypto.keys import ApplicationKey, Pepper, SigningKey, StoreKey, hkdf_expand
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
from app.crypto.stretching import COST_PROFILES, KdfParams
from app.datasets.manifest import Manifest, RowMultisetHash, read_signed_manifest
from app.datasets.record import COMPARED_KINDS, Record, Sentinel, decode, encode
from app.keyholder import KeyholderSocket, import_socket_path, spawn_keyholder
from app.keyholder.protocol import parse_request
from app.verification.service import VerificationService
from tests.vectors import make
from tests.vectors import reference as ref

VECTORS: dict[str, Any] = json.loads(make.PATH.read_text(encoding="utf-8"))
DATASET = UUID(VECTORS["dataset"])
STORE_KEY = StoreKey(bytes.fromhex(VECTORS["keys"]["store"]))
SIGNING_KEY = SigningKey(bytes.fromhex(VECTORS["keys"]["signing"]))
SALT = bytes.fromhex(VECTORS["scheme"]["salt"])
DERIVED_KEYS = {keys["name"]: keys for keys in VECTORS["places"]}
MESSAGES = {message["name"]: message for message in VECTORS["messages"]}


def decode_hex(entry: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(entry[name]) for name in names]


def vector_params(entries: list[dict[str, Any]], *names: str) -> Any:
    return [pytest.param(entry, id=" ".join(str(entry[name]) for name in names)) for entry in entries]


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


def test_primitives_match_their_standards() -> None:
    prk = bytes.fromhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
    info = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9")
    okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    assert ref.hkdf_expand(prk, info, 42).hex() == okm  # RFC 5869, A.1
    assert hkdf_expand(prk, info=info, length=42).hex() == okm
    block = ref.encrypt_aes_block(bytes(range(32)), bytes.fromhex("00112233445566778899aabbccddeeff"))
    assert block.hex() == "8ea2b7ca516745bfeafc49904b496089"  # FIPS 197, C.3
    key, nonce = b"\1" + bytes(31), b"\3" + bytes(11)
    assert ref.encrypt_gcm_siv(key, nonce, b"", b"").hex() == "07f5f4169bbf55a8400cd47ea6fd400f"  # RFC 8452, C.2
    assert (
        ref.encrypt_gcm_siv(key, nonce, b"\1" + bytes(7), b"").hex()
        == "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"
    )
    assert ref.blake2b(b"", b"abc", 64, b"").hex() == (  # RFC 7693, A
        "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
    )
    assert ref.blake2b(bytes(range(64)), b"", 64, b"").hex() == (  # blake2b-kat.txt of its authors: keyed
        "10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa4786b5e996e8f0f4eb981fc214b005f42d2ff4233499391653df7aefcbc13fc51568"
    )
    assert ref.blake2b(
        b"", b"the same content", 32, b"MyApp Files Hash"
    ).hex() == (  # docs.python.org, hashlib: a person
        "20d9cd024d4fb086aae819a1432dd2466de12947831b75c5a30cf2676095d3b4"
    )


@pytest.mark.parametrize("vector", vector_params(VECTORS["messages"], "name"))
def test_mac_inputs_of_the_reference(vector: dict[str, Any]) -> None:
    label, context, text, prefix, message, answer = decode_hex(
        vector, "label", "about", "text", "heading", "message", "mac"
    )
    assert frame(label, context) == ref.frame(label, context) == prefix
    assert frame(label, context, text) == ref.frame(label, context, text) == message
    assert ref.hmac_sha256(bytes.fromhex(VECTORS["keys"]["pepper"]), message) == answer
    assert vector.get("tag", answer[:8].hex()) == answer[:8].hex()
    assert vector.get("subject", answer[:16].hex()) == answer[:16].hex()


MAC_INPUTS: list[tuple[str, bytes, bytes]] = [
    ("email", mac_inputs.identifier_input("email", make.EMAIL), mac_inputs.identifier_prefix("email")),
    ("phone", mac_inputs.identifier_input("phone", make.PHONE), mac_inputs.identifier_prefix("phone")),
    ("sentinel", mac_inputs.sentinel_input(DATASET), mac_inputs.identifier_prefix("sentinel")),
    ("scheme", mac_inputs.kdf_params_input(SALT), mac_inputs.identifier_prefix("scheme")),
    ("value name", mac_inputs.value_input("name", make.NAME), mac_inputs.value_prefix("name")),
    ("value address", mac_inputs.value_input("address", make.ADDRESS), mac_inputs.value_prefix("address")),
    ("subject holder", mac_inputs.subject_input(make.INCIDENT, "A-1", ""), mac_inputs.subject_prefix(make.INCIDENT)),
    (
        "subject recipient",
        mac_inputs.subject_input(make.INCIDENT, "A-1", "R-7"),
        mac_inputs.subject_prefix(make.INCIDENT),
    ),
]


@pytest.mark.parametrize(("name", "message", "prefix"), MAC_INPUTS, ids=[mac_input[0] for mac_input in MAC_INPUTS])
def test_mac_inputs_of_the_application(name: str, message: bytes, prefix: bytes) -> None:
    assert message.hex() == MESSAGES[name]["message"]
    assert prefix.hex() == MESSAGES[name]["heading"]


def test_every_message_is_tested() -> None:
    assert [name for name, _, _ in MAC_INPUTS] == list(MESSAGES)


@pytest.mark.parametrize("vector", vector_params(VECTORS["requests"][:-1], "name"))
def test_keyholder_requests(vector: dict[str, Any]) -> None:
    prefix, request, answer = decode_hex(vector, "heading", "request", "answer")
    texts = list(map(bytes.fromhex, vector["texts"]))
    assert ref.encode_request(prefix, texts) == request
    mac_request = parse_request(request[4:])
    assert mac_request is not None
    assert (mac_request.prefix, mac_request.inputs) == (prefix, [ref.frame(text) for text in texts])
    assert KeyholderSocket.IMPORT.allows(mac_request)
    assert KeyholderSocket.LOOKUP.allows(mac_request) == (vector["name"] == "one identifier")
    pepper = bytes.fromhex(VECTORS["keys"]["pepper"])
    assert ref.encode_response(pepper, prefix, texts) == answer
    assert answer[4:] == b"\0" + b"".join(
        ref.hmac_sha256(pepper, mac_request.prefix + mac_input) for mac_input in mac_request.inputs
    )


def test_a_real_keyholder_gives_these_responses(tmp_path: Path) -> None:
    """Compare its responses byte for byte over a plain socket."""
    create_key_file(tmp_path / "pepper.key", Pepper(bytes.fromhex(VECTORS["keys"]["pepper"])))
    with spawn_keyholder(tmp_path / "pepper.key", *KeyholderSocket) as path, socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(import_socket_path(path)))
        for vector in VECTORS["requests"]:
            request, answer = decode_hex(vector, "request", "answer")
            client.sendall(request)
            assert client.recv(len(answer), socket.MSG_WAITALL) == answer


@pytest.mark.parametrize("vector", vector_params(VECTORS["digests"], "of", "cost"))
def test_digests(vector: dict[str, Any]) -> None:
    answer, digest = decode_hex(vector, "mac", "digest")
    cost = VECTORS["scheme"]["costs"][vector["cost"]]
    assert MESSAGES[vector["of"]]["mac"] == vector["mac"]
    assert KdfParams(SALT, COST_PROFILES[vector["cost"]]).stretch(answer) == digest
    assert ref.stretch(answer, SALT, cost["time"], cost["memory_kib"]) == digest


def test_costs_are_the_profiles() -> None:
    costs = {name: (cost["time"], cost["memory_kib"]) for name, cost in VECTORS["scheme"]["costs"].items()}
    assert {name: (cost.passes, cost.memory_kib) for name, cost in COST_PROFILES.items()} == costs


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


@pytest.mark.parametrize("vector", vector_params(VECTORS["tokens"], "purpose"))
def test_token_keys(vector: dict[str, Any]) -> None:
    token, info, locator, key = decode_hex(vector, "token", "info", "locator", "key")
    assert derive_token_keys(token, vector["purpose"]) == (locator, key)
    assert ref.token_info(vector["purpose"]) == info
    assert ref.derive_token_keys(token, info) == (locator, key)


def test_code_mac() -> None:
    vector = VECTORS["code"]
    verification_id = UUID(vector["verification"])
    subkey, message, answer = decode_hex(vector, "subkey", "message", "mac")
    raw = bytes.fromhex(VECTORS["keys"]["application"])
    unused: Any = None
    verification = VerificationService(ApplicationKey(raw), *[unused] * 5)
    assert verification._code_mac(verification_id, vector["code"]) == answer
    assert ref.subkey(raw, "codes") == subkey
    assert ref.frame(verification_id.bytes, vector["code"].encode()) == message
    assert ref.hmac_sha256(subkey, message) == answer


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


def test_the_check_value_of_the_kdf_params() -> None:
    (answer,) = (bytes.fromhex(message["mac"]) for message in VECTORS["messages"] if message["name"] == "scheme")
    check_value = bytes.fromhex(VECTORS["scheme"]["vouch"])
    assert KdfParams(SALT, COST_PROFILES["minimal"]).derive_check_value(answer) == check_value
    digest = ref.stretch(answer, SALT, *make.COSTS["minimal"])
    assert ref.hkdf_expand(digest, b"exposure-lookup/1 scheme", 16) == check_value


def test_outer_ciphertexts_decrypt_with_the_primitive_alone() -> None:
    aead = AESGCMSIV(bytes.fromhex(VECTORS["store_key"]["outer"]))
    for row in VECTORS["rows"]:
        nonce, data, sealed, plain = decode_hex(row, "outer_nonce", "outer_data", "sealed", "outer_plaintext")
        assert decrypt_aead(aead, nonce, sealed, data) == plain

"""The application, and an implementation apart from it, against the known answers; and the primitives against their standards' own."""

import json
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.acknowledgements import ReceiptSigner
from app.acknowledgements.receipts import encode_base64url
from app.crypto import mac_inputs
from app.crypto.key_derivation import DerivedKeys, derive_row_keys, derive_many_row_keys, derive_token_keys
from app.crypto.framing import frame
from app.crypto.key_files import create_key_file
from app.crypto.padding import pad, unpad
from app.crypto.stretching import COST_PROFILES, KdfParams
from app.crypto.row_sealing import OVERFLOW_MARKER, SIZE_CLASSES, RowSealer, decrypt, row_tag, size_class_for_inner, size_class
from app.crypto.keys import ApplicationKey, Pepper, SigningKey, StoreKey, expand
from app.datasets.manifest import RowMultisetHash, Manifest, read_signed_manifest
from app.datasets.record import COMPARED_KINDS, Record, Sentinel, decode, encode
from app.keyholder import KeyholderSocket, import_socket_path, spawn_keyholder
from app.keyholder.protocol import parse
from app.verification.service import VerificationService
from tests.vectors import make
from tests.vectors import reference as ref

VECTORS: dict[str, Any] = json.loads(make.PATH.read_text(encoding="utf-8"))
DATASET = UUID(VECTORS["dataset"])
STORE_KEY = StoreKey(bytes.fromhex(VECTORS["keys"]["store"]))
SIGNING_KEY = SigningKey(bytes.fromhex(VECTORS["keys"]["signing"]))
SALT = bytes.fromhex(VECTORS["scheme"]["salt"])
PLACES = {place["name"]: place for place in VECTORS["places"]}
MESSAGES = {message["name"]: message for message in VECTORS["messages"]}


def unhex(entry: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(entry[name]) for name in names]


def named(entries: list[dict[str, Any]], *names: str) -> Any:
    return [pytest.param(entry, id=" ".join(str(entry[name]) for name in names)) for entry in entries]


def place_of(row: dict[str, Any]) -> DerivedKeys:
    return DerivedKeys(*unhex(PLACES[row["place"]], "locator", "record_key"))


def typed(record: dict[str, Any]) -> Record | Sentinel:
    """An entry as the application has it."""
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


def test_the_file_is_what_its_command_makes() -> None:
    assert make.PATH.read_text(encoding="utf-8") == make.text()


def test_the_primitives_are_the_standards() -> None:
    prk = bytes.fromhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
    info = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9")
    okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    assert ref.hkdf_expand(prk, info, 42).hex() == okm  # RFC 5869, A.1
    assert expand(prk, info=info, length=42).hex() == okm
    block = ref.aes_block(bytes(range(32)), bytes.fromhex("00112233445566778899aabbccddeeff"))
    assert block.hex() == "8ea2b7ca516745bfeafc49904b496089"  # FIPS 197, C.3
    key, nonce = b"\1" + bytes(31), b"\3" + bytes(11)
    assert ref.gcm_siv(key, nonce, b"", b"").hex() == "07f5f4169bbf55a8400cd47ea6fd400f"  # RFC 8452, C.2
    assert ref.gcm_siv(key, nonce, b"\1" + bytes(7), b"").hex() == "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"
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


@pytest.mark.parametrize("vector", named(VECTORS["messages"], "name"))
def test_messages(vector: dict[str, Any]) -> None:
    label, about, text, heading, message, answer = unhex(vector, "label", "about", "text", "heading", "message", "mac")
    assert frame(label, about) == ref.frame(label, about) == heading
    assert frame(label, about, text) == ref.frame(label, about, text) == message
    assert ref.mac(bytes.fromhex(VECTORS["keys"]["pepper"]), message) == answer
    assert vector.get("tag", answer[:8].hex()) == answer[:8].hex()
    assert vector.get("subject", answer[:16].hex()) == answer[:16].hex()


ASKED: list[tuple[str, bytes, bytes]] = [
    ("email", mac_inputs.identifier_input("email", make.EMAIL), mac_inputs.identifier_prefix("email")),
    ("phone", mac_inputs.identifier_input("phone", make.PHONE), mac_inputs.identifier_prefix("phone")),
    ("sentinel", mac_inputs.sentinel_input(DATASET), mac_inputs.identifier_prefix("sentinel")),
    ("scheme", mac_inputs.kdf_params_input(SALT), mac_inputs.identifier_prefix("scheme")),
    ("value name", mac_inputs.value_input("name", make.NAME), mac_inputs.value_prefix("name")),
    ("value address", mac_inputs.value_input("address", make.ADDRESS), mac_inputs.value_prefix("address")),
    ("subject holder", mac_inputs.subject_input(make.INCIDENT, "A-1", ""), mac_inputs.subject_prefix(make.INCIDENT)),
    ("subject recipient", mac_inputs.subject_input(make.INCIDENT, "A-1", "R-7"), mac_inputs.subject_prefix(make.INCIDENT)),
]


@pytest.mark.parametrize(("name", "message", "heading"), ASKED, ids=[one[0] for one in ASKED])
def test_the_application_asks_these_messages(name: str, message: bytes, heading: bytes) -> None:
    assert message.hex() == MESSAGES[name]["message"]
    assert heading.hex() == MESSAGES[name]["heading"]


def test_no_message_is_left_out() -> None:
    assert [name for name, _, _ in ASKED] == list(MESSAGES)


@pytest.mark.parametrize("vector", named(VECTORS["requests"][:-1], "name"))
def test_requests(vector: dict[str, Any]) -> None:
    heading, request, answer = unhex(vector, "heading", "request", "answer")
    texts = list(map(bytes.fromhex, vector["texts"]))
    assert ref.request(heading, texts) == request
    asked = parse(request[4:])
    assert asked is not None
    assert (asked.heading, asked.texts) == (heading, [ref.frame(text) for text in texts])
    assert KeyholderSocket.IMPORT.admits(asked)
    assert KeyholderSocket.LOOKUP.admits(asked) == (vector["name"] == "one identifier")
    pepper = bytes.fromhex(VECTORS["keys"]["pepper"])
    assert ref.answer(pepper, heading, texts) == answer
    assert answer[4:] == b"\0" + b"".join(ref.mac(pepper, asked.heading + text) for text in asked.texts)


def test_a_real_keyholder_answers_so(tmp_path: Path) -> None:
    """Byte for byte, by nothing but a socket."""
    create_key_file(tmp_path / "pepper.key", Pepper(bytes.fromhex(VECTORS["keys"]["pepper"])))
    with spawn_keyholder(tmp_path / "pepper.key", *KeyholderSocket) as path, socket.socket(socket.AF_UNIX) as door:
        door.settimeout(60)
        door.connect(str(import_socket_path(path)))
        for vector in VECTORS["requests"]:
            request, answer = unhex(vector, "request", "answer")
            door.sendall(request)
            assert door.recv(len(answer), socket.MSG_WAITALL) == answer


@pytest.mark.parametrize("vector", named(VECTORS["digests"], "of", "cost"))
def test_digests(vector: dict[str, Any]) -> None:
    answer, digest = unhex(vector, "mac", "digest")
    cost = VECTORS["scheme"]["costs"][vector["cost"]]
    assert MESSAGES[vector["of"]]["mac"] == vector["mac"]
    assert KdfParams(SALT, COST_PROFILES[vector["cost"]]).stretch(answer) == digest
    assert ref.stretch(answer, SALT, cost["time"], cost["memory_kib"]) == digest


def test_costs_are_those_of_the_profiles() -> None:
    costs = {name: (cost["time"], cost["memory_kib"]) for name, cost in VECTORS["scheme"]["costs"].items()}
    assert {name: (cost.passes, cost.memory_kib) for name, cost in COST_PROFILES.items()} == costs


@pytest.mark.parametrize("vector", named(VECTORS["places"], "name"))
def test_places(vector: dict[str, Any]) -> None:
    digest, info, locator, key = unhex(vector, "digest", "info", "locator", "record_key")
    dataset = UUID(vector["dataset"])
    assert derive_row_keys(digest, dataset) == (locator, key)
    assert derive_many_row_keys([bytes(32), digest], dataset)[1] == (locator, key)
    assert ref.row_info(dataset) == info
    assert ref.place(digest, info) == (locator, key)


def test_store_key() -> None:
    raw = STORE_KEY.reveal()
    assert STORE_KEY.id == ref.subkey(raw, "key id", 8).hex() == VECTORS["store_key"]["id"]
    for name, purpose in {"cloak": "cloak", "outer": "outer seal", "manifest": "manifest"}.items():
        assert STORE_KEY.subkey(purpose).hex() == ref.subkey(raw, purpose).hex() == VECTORS["store_key"][name]


@pytest.mark.parametrize("vector", named(VECTORS["records"], "name"))
def test_records(vector: dict[str, Any]) -> None:
    (encoded,) = unhex(vector, "encoded")
    assert ref.encode(vector) == encoded
    assert encode(typed(vector)) == encoded
    assert decode(encoded) == typed(vector)


@pytest.mark.parametrize("vector", named(VECTORS["rows"], "name"))
def test_rows_are_sealed_so(vector: dict[str, Any]) -> None:
    place, entry, size = place_of(vector), vector["entry"], vector["size"]
    inner, tag, sealed, cloaked = unhex(vector, "inner", "row_tag", "sealed", "cloaked_locator")
    sealer = RowSealer(STORE_KEY, DATASET)
    if inner == OVERFLOW_MARKER:
        assert (vector["name"][:6], tag) == ("marker", bytes(8))
    else:
        record, padded, inner_data = unhex(vector, "record", "padded_record", "inner_data")
        assert pad(record, len(padded)) == ref.pad(record, len(padded)) == padded
        assert ref.inner_data(DATASET, place.locator) == inner_data
        assert ref.gcm_siv(place.key, bytes(12), padded, inner_data) == inner
        assert sealer.record_sealer.seal(place, record) == inner
        assert size_class(len(record)) == ref.size_class(record) == size_class_for_inner(len(inner))
        assert size_class_for_inner(len(inner)) <= size
    if "subject" in vector:
        subject = bytes.fromhex(vector["subject"])
        assert row_tag(subject, place.locator) == ref.row_tag(subject, place.locator) == tag
    nonce, outer_data, plain = unhex(vector, "outer_nonce", "outer_data", "outer_plaintext")
    assert nonce == entry.to_bytes(12, "big")
    assert ref.outer_data(DATASET, place.locator, entry, STORE_KEY.id) == outer_data
    assert ref.pad(tag + inner, size - 16) == plain
    assert ref.gcm_siv(ref.subkey(STORE_KEY.reveal(), "outer seal"), nonce, plain, outer_data) == sealed
    assert sealer.seal(place.locator, entry, tag, inner, size) == sealed
    assert sealer.cloak(place.locator) == ref.aes_block(ref.subkey(STORE_KEY.reveal(), "cloak"), place.locator)
    assert sealer.cloak(place.locator) == cloaked


@pytest.mark.parametrize("vector", named(VECTORS["rows"], "name"))
def test_rows_open_to_their_records(vector: dict[str, Any]) -> None:
    place = place_of(vector)
    inner, tag, sealed, cloaked = unhex(vector, "inner", "row_tag", "sealed", "cloaked_locator")
    sealer = RowSealer(STORE_KEY, DATASET)
    assert sealer.uncloak(cloaked) == place.locator
    assert sealer.open(place.locator, vector["entry"], sealed) == (tag, inner)
    if inner != OVERFLOW_MARKER:
        record, padded = unhex(vector, "record", "padded_record")
        assert unpad(padded) == sealer.record_sealer.open(place, inner) == record
        assert record.hex() in [one["encoded"] for one in VECTORS["records"]]


def test_the_common_row_takes_124_bytes() -> None:
    common = VECTORS["rows"][0]
    assert (len(common["record"]) // 2, len(common["sealed"]) // 2) == (60, 124)


def test_the_sizes_and_the_compared_kinds_are_those_of_the_reference() -> None:
    assert list(SIZE_CLASSES) == ref.SIZE_CLASSES
    assert list(COMPARED_KINDS) == ref.COMPARED
    for size in ref.SIZE_CLASSES:
        assert size_class(size - 42) == ref.size_class(bytes(size - 42)) == size


def test_all_locators_cloaked_at_once() -> None:
    sealer = RowSealer(STORE_KEY, DATASET)
    locators = b"".join(place_of(row).locator for row in VECTORS["rows"])
    cloaked = b"".join(bytes.fromhex(row["cloaked_locator"]) for row in VECTORS["rows"])
    assert sealer.cloak(locators) == cloaked
    assert sealer.uncloak(cloaked) == locators


@pytest.mark.parametrize("vector", named(VECTORS["tokens"], "purpose"))
def test_tokens(vector: dict[str, Any]) -> None:
    token, info, locator, key = unhex(vector, "token", "info", "locator", "key")
    assert derive_token_keys(token, vector["purpose"]) == (locator, key)
    assert ref.token_info(vector["purpose"]) == info
    assert ref.derive_token_keys(token, info) == (locator, key)


def test_code() -> None:
    vector = VECTORS["code"]
    number = UUID(vector["verification"])
    subkey, message, answer = unhex(vector, "subkey", "message", "mac")
    raw = bytes.fromhex(VECTORS["keys"]["application"])
    nothing: Any = None
    verification = VerificationService(ApplicationKey(raw), *[nothing] * 5)
    assert verification._code_mac(number, vector["code"]) == answer
    assert ref.subkey(raw, "codes") == subkey
    assert ref.frame(number.bytes, vector["code"].encode()) == message
    assert ref.mac(subkey, message) == answer


def test_manifest() -> None:
    vector = VECTORS["manifest"]
    rows = [row for row in VECTORS["rows"] if row["name"] in vector["of_rows"]]
    stored = [(bytes.fromhex(row["cloaked_locator"]), row["entry"], bytes.fromhex(row["sealed"])) for row in rows]
    key = ref.subkey(STORE_KEY.reveal(), "manifest")
    for (_, _, sealed), expected in zip(stored, vector["row_numbers"], strict=True):
        account = RowMultisetHash(STORE_KEY)
        account.add([sealed])
        assert f"{account.total:032x}" == ref.number_of_row(key, sealed).hex() == expected
    whole = RowMultisetHash(STORE_KEY)
    whole.add([sealed for _, _, sealed in stored])
    content = vector["content"]
    manifest = Manifest.create(
        whole,
        STORE_KEY,
        dataset=DATASET,
        incident=content["incident"],
        kind=content["kind"],
        hints=content["hints"],
        people=content["people"],
    )
    payload, signature = unhex(vector, "payload", "signature")
    assert manifest.digest == ref.total(list(map(bytes.fromhex, vector["row_numbers"]))) == content["digest"]
    assert manifest.sign(SIGNING_KEY) == (payload, signature)
    assert ref.canonical_json(content) == payload
    for purpose in ("manifests", "receipts"):
        seed = ref.subkey(SIGNING_KEY.reveal(), purpose)
        assert seed.hex() == VECTORS["keys"][f"{purpose}_seed"]
        assert ref.public_key(seed).hex() == VECTORS["keys"][f"{purpose}_public"]
    assert ref.sign(bytes.fromhex(VECTORS["keys"]["manifests_seed"]), payload) == signature
    assert encode_base64url(bytes.fromhex(VECTORS["keys"]["receipts_public"])) == ReceiptSigner(SIGNING_KEY).key.public_key
    assert read_signed_manifest(payload, signature, SIGNING_KEY) == manifest
    left = manifest.without_person(stored[:2], STORE_KEY)
    assert {"type": content["type"], **asdict(left)} == vector["without_the_first_two_rows"]


def test_a_row_is_numbered_by_the_tag_that_seals_it() -> None:
    """Once more with the primitive alone: the last 16 bytes of what is stored, enciphered as one block."""
    key = bytes.fromhex(VECTORS["store_key"]["manifest"])
    rows = {row["name"]: row for row in VECTORS["rows"]}
    for name, number in zip(VECTORS["manifest"]["of_rows"], VECTORS["manifest"]["row_numbers"], strict=True):
        assert ref.aes_block(key, bytes.fromhex(rows[name]["sealed"][-32:])).hex() == number
    numbers = [int(number, 16) for number in VECTORS["manifest"]["row_numbers"]]
    assert sum(numbers) >= 2**128  # or the vector would not show the modulus
    assert int(VECTORS["manifest"]["content"]["digest"], 16) == sum(numbers) % 2**128


def test_the_mark_beside_the_scheme() -> None:
    (answer,) = (bytes.fromhex(one["mac"]) for one in VECTORS["messages"] if one["name"] == "scheme")
    vouch = bytes.fromhex(VECTORS["scheme"]["vouch"])
    assert KdfParams(SALT, COST_PROFILES["minimal"]).derive_check_value(answer) == vouch
    digest = ref.stretch(answer, SALT, *make.COSTS["minimal"])
    assert ref.hkdf_expand(digest, b"exposure-lookup/1 scheme", 16) == vouch


def test_outer_seals_open_with_the_primitive_alone() -> None:
    aead = ref.AESGCMSIV(bytes.fromhex(VECTORS["store_key"]["outer"]))
    for row in VECTORS["rows"]:
        nonce, data, sealed, plain = unhex(row, "outer_nonce", "outer_data", "sealed", "outer_plaintext")
        assert decrypt(aead, nonce, sealed, data) == plain

"""Check MACs, the keyholder's requests, digests and tokens against the vectors, and the primitives against those of their standards."""

import socket
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.crypto import mac_inputs
from app.crypto.framing import frame
from app.crypto.key_derivation import derive_token_keys
from app.crypto.key_files import create_key_file
from app.crypto.keys import ApplicationKey, Pepper, hkdf_expand
from app.crypto.stretching import COST_PROFILES, KdfParams
from app.keyholder import KeyholderSocket, import_socket_path, spawn_keyholder
from app.keyholder.protocol import parse_request
from app.verification import Pseudonymizer
from app.verification.service import VerificationService
from tests.vectors import inputs
from tests.vectors import reference as ref
from tests.vectors.helpers import DATASET, MESSAGES, SALT, VECTORS, decode_hex, vector_params


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
    ("email", mac_inputs.identifier_input("email", inputs.EMAIL), mac_inputs.identifier_prefix("email")),
    ("phone", mac_inputs.identifier_input("phone", inputs.PHONE), mac_inputs.identifier_prefix("phone")),
    ("sentinel", mac_inputs.sentinel_input(DATASET), mac_inputs.identifier_prefix("sentinel")),
    ("scheme", mac_inputs.kdf_params_input(SALT), mac_inputs.identifier_prefix("scheme")),
    (
        "pseudonym email",
        mac_inputs.pseudonym_input("email", inputs.EMAIL),
        mac_inputs.pseudonym_prefix("email"),
    ),
    (
        "pseudonym phone",
        mac_inputs.pseudonym_input("phone", inputs.PHONE),
        mac_inputs.pseudonym_prefix("phone"),
    ),
    ("value name", mac_inputs.value_input("name", inputs.NAME), mac_inputs.value_prefix("name")),
    ("value address", mac_inputs.value_input("address", inputs.ADDRESS), mac_inputs.value_prefix("address")),
    (
        "subject holder",
        mac_inputs.subject_input(inputs.INCIDENT, "A-1", ""),
        mac_inputs.subject_prefix(inputs.INCIDENT),
    ),
    (
        "subject recipient",
        mac_inputs.subject_input(inputs.INCIDENT, "A-1", "R-7"),
        mac_inputs.subject_prefix(inputs.INCIDENT),
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
    assert KeyholderSocket.IMPORT.allows(mac_request) == (vector["name"] != "one pseudonym")
    assert KeyholderSocket.LOOKUP.allows(mac_request) == (vector["name"] in ("one identifier", "one pseudonym"))
    pepper = bytes.fromhex(VECTORS["keys"]["pepper"])
    assert ref.encode_response(pepper, prefix, texts) == answer
    assert answer[4:] == b"\0" + b"".join(
        ref.hmac_sha256(pepper, mac_request.prefix + mac_input) for mac_input in mac_request.inputs
    )


def test_a_real_keyholder_gives_these_responses(tmp_path: Path) -> None:
    """Compare its responses byte for byte over a plain socket."""
    create_key_file(tmp_path / "pepper.key", Pepper(bytes.fromhex(VECTORS["keys"]["pepper"])))
    with (
        spawn_keyholder(tmp_path / "pepper.key", *KeyholderSocket) as path,
        socket.socket(socket.AF_UNIX) as importer,
        socket.socket(socket.AF_UNIX) as lookup,
    ):
        importer.settimeout(60)
        importer.connect(str(import_socket_path(path)))
        lookup.settimeout(60)
        lookup.connect(str(path))
        for vector in VECTORS["requests"]:
            request, answer = decode_hex(vector, "request", "answer")
            client = lookup if vector["name"] == "one pseudonym" else importer
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


@pytest.mark.parametrize("vector", vector_params(VECTORS["tokens"], "purpose"))
def test_token_keys(vector: dict[str, Any]) -> None:
    token, info, locator, key = decode_hex(vector, "token", "info", "locator", "key")
    assert derive_token_keys(token, vector["purpose"]) == (locator, key)
    assert ref.token_info(vector["purpose"]) == info
    assert ref.derive_token_keys(token, info) == (locator, key)


class VectorKeyholder:
    """Answers with the MACs of the vectors."""

    def mac(self, message: bytes) -> bytes:
        macs = {vector["message"]: vector["mac"] for vector in VECTORS["messages"]}
        return bytes.fromhex(macs[message.hex()])


@pytest.mark.parametrize("vector", vector_params(VECTORS["pseudonyms"], "of"))
def test_pseudonyms(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(VECTORS["keys"]["application"])
    subkey, answer, pseudonym = decode_hex(vector, "subkey", "mac", "pseudonym")
    keyholder: Any = VectorKeyholder()
    canonical = {"email": inputs.EMAIL, "phone": inputs.PHONE}[vector["of"]]
    assert Pseudonymizer(ApplicationKey(raw), keyholder).pseudonym(vector["of"], canonical) == pseudonym
    assert ref.subkey(raw, "pseudonyms") == subkey
    assert ref.hmac_sha256(subkey, answer)[:16] == pseudonym


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


def test_the_check_value_of_the_kdf_params() -> None:
    (answer,) = (bytes.fromhex(message["mac"]) for message in VECTORS["messages"] if message["name"] == "scheme")
    check_value = bytes.fromhex(VECTORS["scheme"]["vouch"])
    assert KdfParams(SALT, COST_PROFILES["minimal"]).derive_check_value(answer) == check_value
    digest = ref.stretch(answer, SALT, *inputs.COSTS["minimal"])
    assert ref.hkdf_expand(digest, b"exposure-lookup/1 scheme", 16) == check_value

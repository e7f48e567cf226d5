"""A second implementation of the sealed store, written from its description.

It imports nothing of `app`, so that a change of format there is noticed. It shares only the primitives: HMAC, SHA-256 and BLAKE2b of the standard
library, Argon2id, AES, AES-256-GCM-SIV and Ed25519.
"""

import hashlib
import hmac
import json
from typing import Any
from uuid import UUID

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

ITEMS = ["name", "email", "phone", "address", "door_code_masked", "door_code", "order"]
VALUES = ["name", "address", "email", "phone"]
COMPARED = ["name", "address"]
SIZES = [124, 192, 256, 384, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
ROLES = {"holder": 0, "recipient": 1}
CONFIDENCES = {"withdrawn": 0, "possible": 1, "confirmed": 2}


def frame(*parts: bytes) -> bytes:
    return b"".join(bytes(divmod(len(part), 256)) + part for part in parts)


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def hkdf_expand(key: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, 2.3."""
    output, block, number = b"", b"", 0
    while len(output) < length:
        number += 1
        block = hmac_sha256(key, block + info + bytes([number]))
        output += block
    return output[:length]


def subkey(key: bytes, purpose: str, length: int = 32) -> bytes:
    return hkdf_expand(key, b"exposure-lookup/1 " + purpose.encode(), length)


def blake2b(key: bytes, data: bytes, length: int, person: bytes) -> bytes:
    """RFC 7693, 2.9: keyed, and with the parameter block's personalisation."""
    return hashlib.blake2b(data, digest_size=length, key=key, person=person).digest()


def derive_row_keys(digest: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Return the locator and the record key that a digest derives."""
    derived = blake2b(digest, info, 48, b"exposure-lookup/")
    return derived[:16], derived[16:]


def derive_token_keys(token: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Return the locator and the key that a token of any length derives."""
    derived = hkdf_expand(token, info, 48)
    return derived[:16], derived[16:]


def stretch(mac: bytes, salt: bytes, time: int, memory_kib: int) -> bytes:
    return hash_secret_raw(mac, salt, time, memory_kib, 1, 32, Type.ID, version=0x13)


def row_info(dataset: UUID) -> bytes:
    return frame(b"exposure-lookup/1 row", dataset.bytes)


def token_info(purpose: str) -> bytes:
    return frame(b"exposure-lookup/1 token", purpose.encode())


def encrypt_aes_block(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES256(key), modes.ECB()).encryptor()  # noqa: S305  one block
    return encryptor.update(block) + encryptor.finalize()


def encrypt_gcm_siv(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    return AESGCMSIV(key).encrypt(nonce, plaintext, aad)


def pad(data: bytes, size: int) -> bytes:
    return data + b"\x80" + b"\0" * (size - len(data) - 1)


def size_class(record: bytes) -> int:
    """Return the smallest class for the record, the row tag, two AEAD tags and one byte of each padding."""
    return min(size for size in SIZES if size >= len(record) + 1 + 16 + 8 + 1 + 16)


def derive_row_tag(subject: bytes, locator: bytes) -> bytes:
    return blake2b(subject, locator, 8, b"exposure row tag")


def inner_aad(dataset: UUID, locator: bytes) -> bytes:
    return frame(b"exposure-lookup/1 sealed row", dataset.bytes, locator)


def outer_aad(dataset: UUID, locator: bytes, entry: int, key_id: str) -> bytes:
    return frame(
        b"exposure-lookup/1 sealed row", dataset.bytes, locator, entry.to_bytes(4, "big"), key_id.encode("ascii")
    )


def encode_leb128(number: int) -> bytes:
    low, rest = number % 128, number // 128
    return bytes([low + 128]) + encode_leb128(rest) if rest else bytes([low])


def encode_texts(texts: list[str]) -> bytes:
    return encode_leb128(len(texts)) + b"".join(encode_leb128(len(text.encode())) + text.encode() for text in texts)


def encode_record(record: dict[str, Any]) -> bytes:
    """Encode a record as given in the vectors: bytes in hex, empty fields omitted."""
    if record["type"] == "sentinel":
        return b"\x01" + encode_texts(record["cohorts"])
    hints: dict[str, list[str]] = record.get("hints", {})
    head = ROLES[record["role"]] * 4 + CONFIDENCES[record["confidence"]] * 8 + (32 if hints else 0)
    kinds = [kind for kind in ITEMS if kind in record["items"]]
    data = bytes([head]) + bytes.fromhex(record["subject"]) + bytes([sum(2 ** ITEMS.index(kind) for kind in kinds)])
    data += b"".join(encode_leb128(record["items"][kind]) for kind in kinds)
    data += encode_leb128(len(record["cohorts"])) + b"".join(encode_leb128(index) for index in record["cohorts"])
    for kind in COMPARED:
        tags = record["tags"].get(kind, [])
        data += encode_leb128(len(tags)) + bytes.fromhex("".join(tags))
    if hints:
        data += b"".join(encode_texts(hints.get(kind, [])) for kind in VALUES)
    return data + bytes.fromhex("".join(record["siblings"]))


def encode_request(prefix: bytes, inputs: list[bytes]) -> bytes:
    """Encode a request to the keyholder."""
    payload = prefix + frame(*inputs)
    return len(payload).to_bytes(4, "big") + payload


def encode_response(pepper: bytes, prefix: bytes, inputs: list[bytes]) -> bytes:
    """Encode the keyholder's response."""
    payload = b"\0" + b"".join(hmac_sha256(pepper, prefix + frame(mac_input)) for mac_input in inputs)
    return len(payload).to_bytes(4, "big") + payload


def row_number(key: bytes, sealed: bytes) -> bytes:
    return encrypt_aes_block(key, sealed[-16:])


def sum_row_numbers(numbers: list[bytes]) -> str:
    return f"{sum(int.from_bytes(number, 'big') for number in numbers) % 2**128:032x}"


def canonical_json(content: dict[str, Any]) -> bytes:
    """RFC 8785 for the content of a manifest: ASCII, integers, no nesting."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")


def ed25519_public_key(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def ed25519_sign(seed: bytes, payload: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).sign(payload)

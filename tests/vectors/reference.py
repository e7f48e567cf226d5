"""The sealed store a second time, from its description alone: nothing of `app` is imported here, so that a change of format there is noticed.

Only the primitives are borrowed: HMAC, SHA-256 and BLAKE2b of the standard library, Argon2id, AES, AES-256-GCM-SIV and Ed25519.
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


def mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def hkdf_expand(key: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, 2.3."""
    output, block, number = b"", b"", 0
    while len(output) < length:
        number += 1
        block = mac(key, block + info + bytes([number]))
        output += block
    return output[:length]


def subkey(key: bytes, purpose: str, length: int = 32) -> bytes:
    return hkdf_expand(key, b"exposure-lookup/1 " + purpose.encode(), length)


def blake2b(key: bytes, data: bytes, length: int, person: bytes) -> bytes:
    """RFC 7693, 2.9: keyed, and with the parameter block's personalisation."""
    return hashlib.blake2b(data, digest_size=length, key=key, person=person).digest()


def place(digest: bytes, info: bytes) -> tuple[bytes, bytes]:
    """What a digest expands to: where a row lies, and what opens it."""
    both = blake2b(digest, info, 48, b"exposure-lookup/")
    return both[:16], both[16:]


def derive_token_keys(token: bytes, info: bytes) -> tuple[bytes, bytes]:
    """What a token expands to, which may be of any length: where something lies, and what opens it."""
    both = hkdf_expand(token, info, 48)
    return both[:16], both[16:]


def stretch(answer: bytes, salt: bytes, time: int, memory_kib: int) -> bytes:
    return hash_secret_raw(answer, salt, time, memory_kib, 1, 32, Type.ID, version=0x13)


def row_info(dataset: UUID) -> bytes:
    return frame(b"exposure-lookup/1 row", dataset.bytes)


def token_info(purpose: str) -> bytes:
    return frame(b"exposure-lookup/1 token", purpose.encode())


def aes_block(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES256(key), modes.ECB()).encryptor()  # noqa: S305  one block
    return encryptor.update(block) + encryptor.finalize()


def gcm_siv(key: bytes, nonce: bytes, plain: bytes, data: bytes) -> bytes:
    return AESGCMSIV(key).encrypt(nonce, plain, data)


def pad(data: bytes, size: int) -> bytes:
    return data + b"\x80" + b"\0" * (size - len(data) - 1)


def size_class(record: bytes) -> int:
    """The least that has room for the record, the row tag, two AEAD tags and a byte of each padding."""
    return min(size for size in SIZES if size >= len(record) + 1 + 16 + 8 + 1 + 16)


def row_tag(subject: bytes, locator: bytes) -> bytes:
    return blake2b(subject, locator, 8, b"exposure row tag")


def inner_data(dataset: UUID, locator: bytes) -> bytes:
    return frame(b"exposure-lookup/1 sealed row", dataset.bytes, locator)


def outer_data(dataset: UUID, locator: bytes, entry: int, key_id: str) -> bytes:
    return frame(
        b"exposure-lookup/1 sealed row", dataset.bytes, locator, entry.to_bytes(4, "big"), key_id.encode("ascii")
    )


def leb128(number: int) -> bytes:
    low, rest = number % 128, number // 128
    return bytes([low + 128]) + leb128(rest) if rest else bytes([low])


def texts(some: list[str]) -> bytes:
    return leb128(len(some)) + b"".join(leb128(len(text.encode())) + text.encode() for text in some)


def encode(record: dict[str, Any]) -> bytes:
    """A record as the vectors spell it: bytes in hex, what is empty left out."""
    if record["type"] == "sentinel":
        return b"\x01" + texts(record["cohorts"])
    hints: dict[str, list[str]] = record.get("hints", {})
    head = ROLES[record["role"]] * 4 + CONFIDENCES[record["confidence"]] * 8 + (32 if hints else 0)
    kinds = [kind for kind in ITEMS if kind in record["items"]]
    data = bytes([head]) + bytes.fromhex(record["subject"]) + bytes([sum(2 ** ITEMS.index(kind) for kind in kinds)])
    data += b"".join(leb128(record["items"][kind]) for kind in kinds)
    data += leb128(len(record["cohorts"])) + b"".join(leb128(index) for index in record["cohorts"])
    for kind in COMPARED:
        tags = record["tags"].get(kind, [])
        data += leb128(len(tags)) + bytes.fromhex("".join(tags))
    if hints:
        data += b"".join(texts(hints.get(kind, [])) for kind in VALUES)
    return data + bytes.fromhex("".join(record["siblings"]))


def request(heading: bytes, some: list[bytes]) -> bytes:
    """What goes through a keyholder's door."""
    payload = heading + frame(*some)
    return len(payload).to_bytes(4, "big") + payload


def answer(pepper: bytes, heading: bytes, some: list[bytes]) -> bytes:
    """What comes back."""
    payload = b"\0" + b"".join(mac(pepper, heading + frame(text)) for text in some)
    return len(payload).to_bytes(4, "big") + payload


def number_of_row(key: bytes, sealed: bytes) -> bytes:
    return aes_block(key, sealed[-16:])


def total(numbers: list[bytes]) -> str:
    return f"{sum(int.from_bytes(one, 'big') for one in numbers) % 2**128:032x}"


def canonical_json(content: dict[str, Any]) -> bytes:
    """RFC 8785, for what a manifest holds: ASCII, whole numbers, no nesting."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")


def public_key(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: bytes, payload: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).sign(payload)

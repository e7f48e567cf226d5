"""Write sealed-store.json with `reference`, including every intermediate value. Run it as: python -m tests.vectors.make."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.vectors import reference as ref

PATH = Path(__file__).with_name("sealed-store.json")

PEPPER = bytes(range(32))
STORE_KEY = bytes(range(32, 64))
SIGNING_SEED = bytes(range(64, 96))
APPLICATION = bytes(range(96, 128))
SALT = bytes(range(128, 144))
DATASET = UUID(bytes=bytes(range(144, 160)))
OTHER_DATASET = UUID(bytes=bytes(range(160, 176)))
VERIFICATION = UUID(bytes=bytes(range(176, 192)))
INCIDENT = "sample-2025"
EMAIL, PHONE, NAME, ADDRESS = "gildong@example.com", "+821012345678", "홍길동", "서울중구세종대로110"
COSTS = {"minimal": (1, 8), "default": (1, 1024), "strong": (2, 19 * 1024)}
COHORTS = ["2025-06", "발송"]

MESSAGES: list[tuple[str, bytes, bytes, bytes]] = [
    ("email", b"identifier", b"email", EMAIL.encode()),
    ("phone", b"identifier", b"phone", PHONE.encode()),
    ("sentinel", b"identifier", b"sentinel", DATASET.bytes),
    ("scheme", b"identifier", b"scheme", SALT),
    ("value name", b"value", b"name", NAME.encode()),
    ("value address", b"value", b"address", ADDRESS.encode()),
    ("subject holder", b"subject", INCIDENT.encode(), b"A-1\0"),
    ("subject recipient", b"subject", INCIDENT.encode(), b"A-1\0R-7"),
]


def make_vectors() -> dict[str, Any]:
    """Compute all vectors."""
    messages = [_message_vector(*message) for message in MESSAGES]
    macs = {message["name"]: bytes.fromhex(message["mac"]) for message in messages}
    digests = [
        _digest_vector(name, macs[name], cost)
        for name, cost in [
            ("email", "minimal"),
            ("phone", "minimal"),
            ("sentinel", "minimal"),
            ("scheme", "minimal"),
            ("email", "default"),
            ("email", "strong"),
        ]
    ]
    minimal_digests = {
        vector["of"]: bytes.fromhex(vector["digest"]) for vector in digests if vector["cost"] == "minimal"
    }
    derived_keys = [
        _derived_keys_vector(f"{name}{suffix}", minimal_digests[name], dataset)
        for name in ("email", "phone", "sentinel")
        for dataset, suffix in ((DATASET, ""), (OTHER_DATASET, " in another data set"))
    ]
    key_id = ref.subkey(STORE_KEY, "key id", 8).hex()
    keys_by_name = {keys["name"]: keys for keys in derived_keys}
    records = _record_vectors(macs, keys_by_name)
    rows = [
        _row_vector("a holder's email", keys_by_name["email"], 0, records["holder"], 124, key_id),
        _row_vector("the same person's phone", keys_by_name["phone"], 0, records["holder by phone"], 124, key_id),
        _row_vector("a recipient with the same email", keys_by_name["email"], 1, records["recipient"], 124, key_id),
        _row_vector("a third person, with hints", keys_by_name["email"], 2, records["hints"], 192, key_id),
        _row_vector(
            "a fourth person, rounded up to a larger size",
            keys_by_name["email"],
            3,
            records["big counts"],
            512,
            key_id,
        ),
        _row_vector(
            "a fifth person, of whom nothing is known", keys_by_name["email"], 4, records["empty"], 124, key_id
        ),
        _row_vector(
            "a sixth person, who fills the smallest size", keys_by_name["email"], 5, records["full"], 124, key_id
        ),
        _row_vector("a seventh person, with many siblings", keys_by_name["email"], 6, records["siblings"], 384, key_id),
        _row_vector("sentinel", keys_by_name["sentinel"], 0, records["sentinel"], 124, key_id),
        _row_vector("marker of an identifier that too many share", keys_by_name["phone"], 0, None, 124, key_id),
    ]
    return {
        "about": "Known answers of the sealed store, exposure-lookup/1. Fields: README.md beside this file.",
        "made_by": "python -m tests.vectors.make",
        "keys": {
            "pepper": PEPPER.hex(),
            "store": STORE_KEY.hex(),
            "signing": SIGNING_SEED.hex(),
            "manifests_seed": ref.subkey(SIGNING_SEED, "manifests").hex(),
            "manifests_public": ref.ed25519_public_key(ref.subkey(SIGNING_SEED, "manifests")).hex(),
            "receipts_seed": ref.subkey(SIGNING_SEED, "receipts").hex(),
            "receipts_public": ref.ed25519_public_key(ref.subkey(SIGNING_SEED, "receipts")).hex(),
            "application": APPLICATION.hex(),
        },
        "dataset": str(DATASET),
        "other_dataset": str(OTHER_DATASET),
        "incident": INCIDENT,
        "messages": messages,
        "requests": [
            _request_vector("one identifier", b"identifier", b"email", [EMAIL.encode()]),
            _request_vector("three names", b"value", b"name", [NAME.encode(), b"", NAME.encode() * 100]),
            _request_vector("two subjects", b"subject", INCIDENT.encode(), [b"A-1\0", b"A-1\0R-7"]),
            {"name": "are you there?", "request": bytes(4).hex(), "answer": "0000000100"},
        ],
        "scheme": {
            "salt": SALT.hex(),
            "vouch": ref.hkdf_expand(minimal_digests["scheme"], b"exposure-lookup/1 scheme", 16).hex(),
            "costs": {
                name: {"time": time, "memory_kib": memory, "lanes": 1, "version": 19}
                for name, (time, memory) in COSTS.items()
            },
        },
        "digests": digests,
        "places": derived_keys,
        "store_key": {
            "id": key_id,
            "cloak": ref.subkey(STORE_KEY, "cloak").hex(),
            "outer": ref.subkey(STORE_KEY, "outer seal").hex(),
            "manifest": ref.subkey(STORE_KEY, "manifest").hex(),
        },
        "records": [
            {"name": name, **record, "encoded": ref.encode_record(record).hex()} for name, record in records.items()
        ],
        "rows": rows,
        "tokens": [
            _token_vector(bytes(range(32)), "session"),
            _token_vector(b"a client secret", f"verification {VERIFICATION}"),
            _token_vector(b"longer than a block of SHA-256 " * 3, "session of another"),
        ],
        "code": _code_vector("01234567"),
        "manifest": _manifest_vector(rows[:-1], key_id),
    }


def _message_vector(name: str, label: bytes, context: bytes, text: bytes) -> dict[str, Any]:
    prefix = ref.frame(b"exposure-lookup/1 " + label, context)
    message = prefix + ref.frame(text)
    answer = ref.hmac_sha256(PEPPER, message)
    return {
        "name": name,
        "label": (b"exposure-lookup/1 " + label).hex(),
        "about": context.hex(),
        "text": text.hex(),
        "heading": prefix.hex(),
        "message": message.hex(),
        "mac": answer.hex(),
        **({"tag": answer[:8].hex()} if label == b"value" else {}),
        **({"subject": answer[:16].hex()} if label == b"subject" else {}),
    }


def _request_vector(name: str, label: bytes, context: bytes, texts: list[bytes]) -> dict[str, Any]:
    prefix = ref.frame(b"exposure-lookup/1 " + label, context)
    return {
        "name": name,
        "heading": prefix.hex(),
        "texts": [text.hex() for text in texts],
        "request": ref.encode_request(prefix, texts).hex(),
        "answer": ref.encode_response(PEPPER, prefix, texts).hex(),
    }


def _digest_vector(name: str, answer: bytes, cost: str) -> dict[str, Any]:
    digest = ref.stretch(answer, SALT, *COSTS[cost])
    return {"of": name, "cost": cost, "mac": answer.hex(), "digest": digest.hex()}


def _derived_keys_vector(name: str, digest: bytes, dataset: UUID) -> dict[str, Any]:
    info = ref.row_info(dataset)
    locator, record_key = ref.derive_row_keys(digest, info)
    return {
        "name": name,
        "digest": digest.hex(),
        "dataset": str(dataset),
        "info": info.hex(),
        "locator": locator.hex(),
        "record_key": record_key.hex(),
    }


def _record_vectors(macs: dict[str, bytes], keys_by_name: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    tags = {kind: [macs[f"value {kind}"][:8].hex()] for kind in ref.COMPARED}
    items = {kind: 1 for kind in ref.ITEMS if kind != "door_code"}
    holder = {
        "type": "person",
        "subject": macs["subject holder"][:16].hex(),
        "role": "holder",
        "confidence": "confirmed",
        "items": items,
        "cohorts": [0],
        "tags": tags,
        "siblings": [keys_by_name["phone"]["locator"]],
    }
    recipient = {
        "type": "person",
        "subject": macs["subject recipient"][:16].hex(),
        "role": "recipient",
        "confidence": "possible",
        "items": {"phone": 3},
        "cohorts": [],
        "tags": {"name": tags["name"]},
        "siblings": [],
    }
    return {
        "holder": holder,
        "holder by phone": {**holder, "siblings": [keys_by_name["email"]["locator"]]},
        "recipient": recipient,
        "hints": {
            **holder,
            "subject": bytes(range(192, 208)).hex(),
            "hints": {"name": ["홍*동"], "email": ["g******@e******.com"], "phone": ["010-****-5678", "010-****-9999"]},
        },
        "big counts": {
            **recipient,
            "subject": bytes(range(208, 224)).hex(),
            "items": {"name": 127, "email": 128, "phone": 16_383, "address": 16_384, "order": 2**40},
            "cohorts": [0, 1, 127, 128, 255],
            "siblings": [bytes(range(16)).hex(), bytes(range(16, 32)).hex()],
        },
        "empty": {
            **recipient,
            "subject": bytes(16).hex(),
            "role": "holder",
            "confidence": "withdrawn",
            "items": {},
            "tags": {},
        },
        "full": {
            **holder,
            "subject": bytes(range(224, 240)).hex(),
            "cohorts": [0, 1, 2, 3, 4, 5, 6],
            "siblings": [keys_by_name["phone"]["locator"], bytes(range(32, 48)).hex()],
        },
        "siblings": {
            **recipient,
            "subject": bytes(range(240, 256)).hex(),
            "tags": {"name": [f"{number:016x}" for number in range(3)], "address": [bytes(range(8)).hex()]},
            "siblings": [bytes(range(number, number + 16)).hex() for number in range(14)],
        },
        "sentinel": {"type": "sentinel", "cohorts": COHORTS},
    }


def _row_vector(
    name: str, keys: dict[str, Any], entry: int, record: dict[str, Any] | None, size: int, key_id: str
) -> dict[str, Any]:
    """Compute a stored row. Without a record it is an overflow marker, which has no inner ciphertext."""
    locator, record_key = bytes.fromhex(keys["locator"]), bytes.fromhex(keys["record_key"])
    vector: dict[str, Any] = {"name": name, "place": keys["name"], "entry": entry, "size": size}
    tag, inner = bytes(8), b""
    if record is not None:
        data = ref.encode_record(record)
        padded = ref.pad(data, ref.size_class(data) - 41)
        aad = ref.inner_aad(DATASET, locator)
        inner = ref.encrypt_gcm_siv(record_key, bytes(12), padded, aad)
        vector |= {
            "record": data.hex(),
            "padded_record": padded.hex(),
            "inner_nonce": bytes(12).hex(),
            "inner_data": aad.hex(),
        }
        if record["type"] == "person":
            tag = ref.derive_row_tag(bytes.fromhex(record["subject"]), locator)
            vector["subject"] = record["subject"]
    plaintext = ref.pad(tag + inner, size - 16)
    aad = ref.outer_aad(DATASET, locator, entry, key_id)
    nonce = entry.to_bytes(12, "big")
    return vector | {
        "inner": inner.hex(),
        "row_tag": tag.hex(),
        "outer_plaintext": plaintext.hex(),
        "outer_nonce": nonce.hex(),
        "outer_data": aad.hex(),
        "cloaked_locator": ref.encrypt_aes_block(ref.subkey(STORE_KEY, "cloak"), locator).hex(),
        "sealed": ref.encrypt_gcm_siv(ref.subkey(STORE_KEY, "outer seal"), nonce, plaintext, aad).hex(),
    }


def _token_vector(token: bytes, purpose: str) -> dict[str, Any]:
    info = ref.token_info(purpose)
    locator, key = ref.derive_token_keys(token, info)
    return {
        "token": token.hex(),
        "purpose": purpose,
        "info": info.hex(),
        "locator": locator.hex(),
        "key": key.hex(),
    }


def _code_vector(code: str) -> dict[str, Any]:
    key, message = ref.subkey(APPLICATION, "codes"), ref.frame(VERIFICATION.bytes, code.encode())
    return {
        "verification": str(VERIFICATION),
        "code": code,
        "subkey": key.hex(),
        "message": message.hex(),
        "mac": ref.hmac_sha256(key, message).hex(),
    }


def _manifest_vector(rows: list[dict[str, Any]], key_id: str) -> dict[str, Any]:
    key = ref.subkey(STORE_KEY, "manifest")
    row_numbers = [ref.row_number(key, bytes.fromhex(row["sealed"])) for row in rows]
    content = {
        "type": "exposure-lookup/1 manifest",
        "dataset": str(DATASET),
        "incident": INCIDENT,
        "kind": "full",
        "key_id": key_id,
        "hints": True,
        "rows": len(rows),
        "people": 7,
        "suppressed": 0,
        "digest": ref.sum_row_numbers(row_numbers),
    }
    payload = ref.canonical_json(content)
    return {
        "of_rows": [row["name"] for row in rows],
        "row_numbers": [number.hex() for number in row_numbers],
        "content": content,
        "payload": payload.hex(),
        "signature": ref.ed25519_sign(ref.subkey(SIGNING_SEED, "manifests"), payload).hex(),
        "without_the_first_two_rows": {
            **content,
            "rows": len(rows) - 2,
            "people": 6,
            "suppressed": 1,
            "digest": ref.sum_row_numbers(row_numbers[2:]),
        },
    }


def render() -> str:
    """Return the text of the file."""
    return json.dumps(make_vectors(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")

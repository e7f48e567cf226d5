"""The vectors of a data set: derived keys, records, rows and the manifest."""

from typing import Any
from uuid import UUID

from tests.vectors import reference as ref
from tests.vectors.inputs import COHORTS, DATASET, INCIDENT, SIGNING_SEED, STORE_KEY


def derived_keys_vector(name: str, digest: bytes, dataset: UUID) -> dict[str, Any]:
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


def record_vectors(macs: dict[str, bytes], keys_by_name: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
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


def row_vector(
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


def manifest_vector(rows: list[dict[str, Any]], key_id: str) -> dict[str, Any]:
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

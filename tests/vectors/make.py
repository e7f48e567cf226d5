"""Write sealed-store.json with `reference`, including every intermediate value. Run it as: python -m tests.vectors.make."""

import json
from pathlib import Path
from typing import Any

from tests.vectors import reference as ref
from tests.vectors.dataset_vectors import derived_keys_vector, manifest_vector, record_vectors, row_vector
from tests.vectors.inputs import (
    APPLICATION,
    COSTS,
    DATASET,
    EMAIL,
    INCIDENT,
    MESSAGES,
    NAME,
    OTHER_DATASET,
    PEPPER,
    PHONE,
    SALT,
    SIGNING_SEED,
    STORE_KEY,
    VERIFICATION,
)

PATH = Path(__file__).with_name("sealed-store.json")


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
        derived_keys_vector(f"{name}{suffix}", minimal_digests[name], dataset)
        for name in ("email", "phone", "sentinel")
        for dataset, suffix in ((DATASET, ""), (OTHER_DATASET, " in another data set"))
    ]
    key_id = ref.subkey(STORE_KEY, "key id", 8).hex()
    keys_by_name = {keys["name"]: keys for keys in derived_keys}
    records = record_vectors(macs, keys_by_name)
    rows = [
        row_vector("a holder's email", keys_by_name["email"], 0, records["holder"], 124, key_id),
        row_vector("the same person's phone", keys_by_name["phone"], 0, records["holder by phone"], 124, key_id),
        row_vector("a recipient with the same email", keys_by_name["email"], 1, records["recipient"], 124, key_id),
        row_vector("a third person, with hints", keys_by_name["email"], 2, records["hints"], 192, key_id),
        row_vector(
            "a fourth person, rounded up to a larger size",
            keys_by_name["email"],
            3,
            records["big counts"],
            512,
            key_id,
        ),
        row_vector("a fifth person, of whom nothing is known", keys_by_name["email"], 4, records["empty"], 124, key_id),
        row_vector(
            "a sixth person, who fills the smallest size", keys_by_name["email"], 5, records["full"], 124, key_id
        ),
        row_vector("a seventh person, with many siblings", keys_by_name["email"], 6, records["siblings"], 384, key_id),
        row_vector("sentinel", keys_by_name["sentinel"], 0, records["sentinel"], 124, key_id),
        row_vector("marker of an identifier that too many share", keys_by_name["phone"], 0, None, 124, key_id),
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
            _request_vector("one pseudonym", b"pseudonym", b"phone", [PHONE.encode()]),
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
        "pseudonyms": [_pseudonym_vector(kind, macs[f"pseudonym {kind}"]) for kind in ("email", "phone")],
        "code": _code_vector("01234567"),
        "manifest": manifest_vector(rows[:-1], key_id),
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


def _pseudonym_vector(kind: str, mac: bytes) -> dict[str, Any]:
    key = ref.subkey(APPLICATION, "pseudonyms")
    return {"of": kind, "mac": mac.hex(), "subkey": key.hex(), "pseudonym": ref.hmac_sha256(key, mac)[:16].hex()}


def _code_vector(code: str) -> dict[str, Any]:
    key, message = ref.subkey(APPLICATION, "codes"), ref.frame(VERIFICATION.bytes, code.encode())
    return {
        "verification": str(VERIFICATION),
        "code": code,
        "subkey": key.hex(),
        "message": message.hex(),
        "mac": ref.hmac_sha256(key, message).hex(),
    }


def render() -> str:
    """Return the text of the file."""
    return json.dumps(make_vectors(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")

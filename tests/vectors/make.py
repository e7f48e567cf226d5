"""Writes sealed-store.json from `reference`, with every value on the way. The command: python -m tests.vectors.make."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.vectors import reference as ref

PATH = Path(__file__).with_name("sealed-store.json")

PEPPER = bytes(range(32))
STORE_KEY = bytes(range(32, 64))
SEED = bytes(range(64, 96))
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


def make() -> dict[str, Any]:
    """Make all vectors."""
    messages = [_message(*one) for one in MESSAGES]
    macs = {one["name"]: bytes.fromhex(one["mac"]) for one in messages}
    digests = [
        _digest(name, macs[name], cost)
        for name, cost in [
            ("email", "minimal"),
            ("phone", "minimal"),
            ("sentinel", "minimal"),
            ("scheme", "minimal"),
            ("email", "default"),
            ("email", "strong"),
        ]
    ]
    digest = {one["of"]: bytes.fromhex(one["digest"]) for one in digests if one["cost"] == "minimal"}
    places = [
        _place(f"{name}{suffix}", digest[name], dataset)
        for name in ("email", "phone", "sentinel")
        for dataset, suffix in ((DATASET, ""), (OTHER_DATASET, " in another data set"))
    ]
    key_id = ref.subkey(STORE_KEY, "key id", 8).hex()
    at = {one["name"]: one for one in places}
    records = _records(macs, at)
    rows = [
        _row("a holder's email", at["email"], 0, records["holder"], 124, key_id),
        _row("the same person's phone", at["phone"], 0, records["holder by phone"], 124, key_id),
        _row("a recipient with the same email", at["email"], 1, records["recipient"], 124, key_id),
        _row("a third person, with hints", at["email"], 2, records["hints"], 192, key_id),
        _row("a fourth person, rounded up to a larger size", at["email"], 3, records["big counts"], 512, key_id),
        _row("a fifth person, of whom nothing is known", at["email"], 4, records["empty"], 124, key_id),
        _row("a sixth person, who fills the smallest size", at["email"], 5, records["full"], 124, key_id),
        _row("a seventh person, with many siblings", at["email"], 6, records["siblings"], 384, key_id),
        _row("sentinel", at["sentinel"], 0, records["sentinel"], 124, key_id),
        _row("marker of an identifier that too many share", at["phone"], 0, None, 124, key_id),
    ]
    return {
        "about": "Known answers of the sealed store, exposure-lookup/1. Fields: README.md beside this file.",
        "made_by": "python -m tests.vectors.make",
        "keys": {
            "pepper": PEPPER.hex(),
            "store": STORE_KEY.hex(),
            "signing": SEED.hex(),
            "manifests_seed": ref.subkey(SEED, "manifests").hex(),
            "manifests_public": ref.public_key(ref.subkey(SEED, "manifests")).hex(),
            "receipts_seed": ref.subkey(SEED, "receipts").hex(),
            "receipts_public": ref.public_key(ref.subkey(SEED, "receipts")).hex(),
            "application": APPLICATION.hex(),
        },
        "dataset": str(DATASET),
        "other_dataset": str(OTHER_DATASET),
        "incident": INCIDENT,
        "messages": messages,
        "requests": [
            _request("one identifier", b"identifier", b"email", [EMAIL.encode()]),
            _request("three names", b"value", b"name", [NAME.encode(), b"", NAME.encode() * 100]),
            _request("two subjects", b"subject", INCIDENT.encode(), [b"A-1\0", b"A-1\0R-7"]),
            {"name": "are you there?", "request": bytes(4).hex(), "answer": "0000000100"},
        ],
        "scheme": {
            "salt": SALT.hex(),
            "vouch": ref.hkdf_expand(digest["scheme"], b"exposure-lookup/1 scheme", 16).hex(),
            "costs": {
                name: {"time": time, "memory_kib": memory, "lanes": 1, "version": 19}
                for name, (time, memory) in COSTS.items()
            },
        },
        "digests": digests,
        "places": places,
        "store_key": {
            "id": key_id,
            "cloak": ref.subkey(STORE_KEY, "cloak").hex(),
            "outer": ref.subkey(STORE_KEY, "outer seal").hex(),
            "manifest": ref.subkey(STORE_KEY, "manifest").hex(),
        },
        "records": [{"name": name, **record, "encoded": ref.encode(record).hex()} for name, record in records.items()],
        "rows": rows,
        "tokens": [
            _token(bytes(range(32)), "session"),
            _token(b"a client secret", f"verification {VERIFICATION}"),
            _token(b"longer than a block of SHA-256 " * 3, "session of another"),
        ],
        "code": _code("01234567"),
        "manifest": _manifest(rows[:-1], key_id),
    }


def _message(name: str, label: bytes, about: bytes, text: bytes) -> dict[str, Any]:
    heading = ref.frame(b"exposure-lookup/1 " + label, about)
    message = heading + ref.frame(text)
    answer = ref.mac(PEPPER, message)
    return {
        "name": name,
        "label": (b"exposure-lookup/1 " + label).hex(),
        "about": about.hex(),
        "text": text.hex(),
        "heading": heading.hex(),
        "message": message.hex(),
        "mac": answer.hex(),
        **({"tag": answer[:8].hex()} if label == b"value" else {}),
        **({"subject": answer[:16].hex()} if label == b"subject" else {}),
    }


def _request(name: str, label: bytes, about: bytes, texts: list[bytes]) -> dict[str, Any]:
    heading = ref.frame(b"exposure-lookup/1 " + label, about)
    return {
        "name": name,
        "heading": heading.hex(),
        "texts": [text.hex() for text in texts],
        "request": ref.request(heading, texts).hex(),
        "answer": ref.answer(PEPPER, heading, texts).hex(),
    }


def _digest(name: str, answer: bytes, cost: str) -> dict[str, Any]:
    digest = ref.stretch(answer, SALT, *COSTS[cost])
    return {"of": name, "cost": cost, "mac": answer.hex(), "digest": digest.hex()}


def _place(name: str, digest: bytes, dataset: UUID) -> dict[str, Any]:
    info = ref.row_info(dataset)
    locator, record_key = ref.place(digest, info)
    return {
        "name": name,
        "digest": digest.hex(),
        "dataset": str(dataset),
        "info": info.hex(),
        "locator": locator.hex(),
        "record_key": record_key.hex(),
    }


def _records(macs: dict[str, bytes], at: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
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
        "siblings": [at["phone"]["locator"]],
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
        "holder by phone": {**holder, "siblings": [at["email"]["locator"]]},
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
            "siblings": [at["phone"]["locator"], bytes(range(32, 48)).hex()],
        },
        "siblings": {
            **recipient,
            "subject": bytes(range(240, 256)).hex(),
            "tags": {"name": [f"{number:016x}" for number in range(3)], "address": [bytes(range(8)).hex()]},
            "siblings": [bytes(range(number, number + 16)).hex() for number in range(14)],
        },
        "sentinel": {"type": "sentinel", "cohorts": COHORTS},
    }


def _row(
    name: str, place: dict[str, Any], entry: int, record: dict[str, Any] | None, size: int, key_id: str
) -> dict[str, Any]:
    """A stored row; no record stands for the marker, which has no inner seal."""
    locator, record_key = bytes.fromhex(place["locator"]), bytes.fromhex(place["record_key"])
    made: dict[str, Any] = {"name": name, "place": place["name"], "entry": entry, "size": size}
    tag, inner = bytes(8), b""
    if record is not None:
        data = ref.encode(record)
        padded = ref.pad(data, ref.size_class(data) - 41)
        bound = ref.inner_data(DATASET, locator)
        inner = ref.gcm_siv(record_key, bytes(12), padded, bound)
        made |= {
            "record": data.hex(),
            "padded_record": padded.hex(),
            "inner_nonce": bytes(12).hex(),
            "inner_data": bound.hex(),
        }
        if record["type"] == "person":
            tag = ref.row_tag(bytes.fromhex(record["subject"]), locator)
            made["subject"] = record["subject"]
    plain = ref.pad(tag + inner, size - 16)
    bound = ref.outer_data(DATASET, locator, entry, key_id)
    nonce = entry.to_bytes(12, "big")
    return made | {
        "inner": inner.hex(),
        "row_tag": tag.hex(),
        "outer_plaintext": plain.hex(),
        "outer_nonce": nonce.hex(),
        "outer_data": bound.hex(),
        "cloaked_locator": ref.aes_block(ref.subkey(STORE_KEY, "cloak"), locator).hex(),
        "sealed": ref.gcm_siv(ref.subkey(STORE_KEY, "outer seal"), nonce, plain, bound).hex(),
    }


def _token(token: bytes, purpose: str) -> dict[str, Any]:
    info = ref.token_info(purpose)
    locator, key = ref.derive_token_keys(token, info)
    return {
        "token": token.hex(),
        "purpose": purpose,
        "info": info.hex(),
        "locator": locator.hex(),
        "key": key.hex(),
    }


def _code(code: str) -> dict[str, Any]:
    key, message = ref.subkey(APPLICATION, "codes"), ref.frame(VERIFICATION.bytes, code.encode())
    return {
        "verification": str(VERIFICATION),
        "code": code,
        "subkey": key.hex(),
        "message": message.hex(),
        "mac": ref.mac(key, message).hex(),
    }


def _manifest(rows: list[dict[str, Any]], key_id: str) -> dict[str, Any]:
    key = ref.subkey(STORE_KEY, "manifest")
    numbers = [ref.number_of_row(key, bytes.fromhex(row["sealed"])) for row in rows]
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
        "digest": ref.total(numbers),
    }
    payload = ref.canonical_json(content)
    return {
        "of_rows": [row["name"] for row in rows],
        "row_numbers": [one.hex() for one in numbers],
        "content": content,
        "payload": payload.hex(),
        "signature": ref.sign(ref.subkey(SEED, "manifests"), payload).hex(),
        "without_the_first_two_rows": {
            **content,
            "rows": len(rows) - 2,
            "people": 6,
            "suppressed": 1,
            "digest": ref.total(numbers[2:]),
        },
    }


def text() -> str:
    """The file's text."""
    return json.dumps(make(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")

"""The fixed inputs of the vectors: keys, identifiers, KDF costs and messages."""

from uuid import UUID

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
    ("pseudonym email", b"pseudonym", b"email", EMAIL.encode()),
    ("pseudonym phone", b"pseudonym", b"phone", PHONE.encode()),
    ("value name", b"value", b"name", NAME.encode()),
    ("value address", b"value", b"address", ADDRESS.encode()),
    ("subject holder", b"subject", INCIDENT.encode(), b"A-1\0"),
    ("subject recipient", b"subject", INCIDENT.encode(), b"A-1\0R-7"),
]

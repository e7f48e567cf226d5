"""The stretch: Argon2id (RFC 9106) over the keyholder's answer, with the salt and cost of the deployment's one scheme.

The safety is in the keys; Argon2id is the second, honest speed bump for one who stole them all. So the default is priced for 62 million identifiers
on two cores, far below what a password would get. The salt is public: there is one for the deployment, and the pepper is what keeps tables useless.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from argon2.low_level import Type, hash_secret_raw

from app.crypto.secret import expand

DIGEST_BYTES = 32
SALT_BYTES = 16
VOUCH_BYTES = 16


@dataclass(frozen=True, slots=True)
class Cost:
    """What one digest costs: *time* passes over *memory_kib* KiB, on one lane."""

    time: int
    memory_kib: int


PROFILES: Mapping[str, Cost] = MappingProxyType(
    {
        "minimal": Cost(time=1, memory_kib=8),  # the least that Argon2 allows: tests and the demo
        "default": Cost(time=1, memory_kib=1024),  # 0.4 ms: 62 M identifiers in 3.5 hours on two cores
        "strong": Cost(
            time=2, memory_kib=19 * 1024
        ),  # OWASP's minimum for passwords: days for a mass breach, fine for a small one
    }
)


@dataclass(frozen=True, slots=True)
class Scheme:
    """Salt and cost of a deployment, fixed by its first import for all identifiers and data sets."""

    salt: bytes
    cost: Cost

    @classmethod
    def generate(cls, cost: Cost) -> "Scheme":
        """Draw the salt of a new deployment."""
        return cls(secrets.token_bytes(SALT_BYTES), cost)

    def vouch(self, mac: bytes) -> bytes:
        """Make what is kept beside the scheme, 16 bytes, of the keyholder's answer on it: the pepper's mark."""
        return expand(self.stretch(mac), info=b"exposure-lookup/1 scheme", length=VOUCH_BYTES)

    def stretch(self, mac: bytes) -> bytes:
        """Make the digest, 32 bytes, of the keyholder's answer. Lets other threads run meanwhile."""
        return hash_secret_raw(
            mac,
            self.salt,
            time_cost=self.cost.time,
            memory_cost=self.cost.memory_kib,
            parallelism=1,
            hash_len=DIGEST_BYTES,
            type=Type.ID,
        )

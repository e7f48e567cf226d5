"""The stretch: Argon2id (RFC 9106) over the keyholder's answer, with the salt and cost of the deployment's one scheme.

The safety is in the keys; Argon2id is the second, honest speed bump for one who stole them all. So the default is priced for 62 million identifiers
on two cores, far below what a password would get. The salt is public: there is one for the deployment, and the pepper is what keeps tables useless.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw

from app.crypto.keys import expand
from app.errors import InvalidInput, DependencyUnavailable

DIGEST_BYTES = 32
SALT_BYTES = 16
CHECK_VALUE_BYTES = 16
MAX_PASSES = 16
_MEMORY_KIB = range(8, 4 * 1024 * 1024 + 1)  # from the least that Argon2 allows


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """What one digest costs: *time* passes over *memory_kib* KiB, on one lane."""

    passes: int
    memory_kib: int

    def __str__(self) -> str:
        return f"{self.passes}:{self.memory_kib}"


COST_PROFILES: Mapping[str, Argon2Cost] = MappingProxyType(
    {
        "minimal": Argon2Cost(passes=1, memory_kib=8),  # the least that Argon2 allows: tests and the demo
        "default": Argon2Cost(
            passes=1, memory_kib=1024
        ),  # 0.4 ms: 62 M identifiers in 3.5 hours on two cores, for Argon2id alone
        "strong": Argon2Cost(
            passes=2, memory_kib=19 * 1024
        ),  # OWASP's minimum for passwords: days for a mass breach, fine for a small one
    }
)


def profile_name(cost: Argon2Cost) -> str | None:
    """Name the profile that a cost is, where it is one."""
    return next((name for name, one in COST_PROFILES.items() if one == cost), None)


def parse_cost(text: str) -> Argon2Cost:
    """Read what stands behind `--cost`: a profile's name, or passes and KiB, as in `1:512`.

    Raises:
        InvalidInput: it is neither, or more or less than is allowed.
    """
    if text in COST_PROFILES:
        return COST_PROFILES[text]
    spelt = re.fullmatch("([1-9][0-9]?):([1-9][0-9]{0,6})", text)
    if spelt is not None:
        cost = Argon2Cost(int(spelt[1]), int(spelt[2]))
        if cost.passes <= MAX_PASSES and cost.memory_kib in _MEMORY_KIB:
            return cost
    raise InvalidInput(
        f"--cost: must be one of {', '.join(COST_PROFILES)}, or TIME:KIB such as 1:512 "
        f"(1 to {MAX_PASSES} passes over {_MEMORY_KIB[0]} to {_MEMORY_KIB[-1]} KiB)"
    )


@dataclass(frozen=True, slots=True)
class KdfParams:
    """Salt and cost of a deployment, fixed by its first import for all identifiers and data sets."""

    salt: bytes
    cost: Argon2Cost

    @classmethod
    def generate(cls, cost: Argon2Cost) -> "KdfParams":
        """Draw the salt of a new deployment."""
        return cls(secrets.token_bytes(SALT_BYTES), cost)

    def derive_check_value(self, mac: bytes) -> bytes:
        """Make what is kept beside the scheme, 16 bytes, of the keyholder's answer on it: the pepper's mark."""
        return expand(self.stretch(mac), info=b"exposure-lookup/1 scheme", length=CHECK_VALUE_BYTES)

    def stretch(self, mac: bytes) -> bytes:
        """Make the digest, 32 bytes, of the keyholder's answer. Lets other threads run meanwhile.

        Raises:
            DependencyUnavailable: the memory that it takes is not there.
        """
        try:
            return hash_secret_raw(
                mac,
                self.salt,
                time_cost=self.cost.passes,
                memory_cost=self.cost.memory_kib,
                parallelism=1,
                hash_len=DIGEST_BYTES,
                type=Type.ID,
            )
        except HashingError:
            raise DependencyUnavailable(f"Argon2id finds no {self.cost.memory_kib:,} KiB of memory") from None

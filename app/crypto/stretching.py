"""Key stretching: Argon2id (RFC 9106) over the keyholder's MAC, with the salt and cost of the deployment.

Security rests on the keys. Argon2id is a second barrier, which slows down an attacker who has stolen all of them. The default cost is therefore
chosen for 62 million identifiers on two cores, far below what a password needs. The salt is public and there is one for the whole deployment:
precomputed tables are useless without the pepper.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw

from app.crypto.keys import hkdf_expand
from app.errors import DependencyUnavailable, InvalidInput

DIGEST_BYTES = 32
SALT_BYTES = 16
CHECK_VALUE_BYTES = 16
MAX_PASSES = 16
_ALLOWED_MEMORY_KIB = range(8, 4 * 1024 * 1024 + 1)  # Argon2's minimum is 8


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """Cost of one digest: number of passes over *memory_kib* KiB, with one lane."""

    passes: int
    memory_kib: int

    def __str__(self) -> str:
        return f"{self.passes}:{self.memory_kib}"


COST_PROFILES: Mapping[str, Argon2Cost] = MappingProxyType(
    {
        # Argon2's minimum: for tests and the demo.
        "minimal": Argon2Cost(passes=1, memory_kib=8),
        # 0.4 ms: Argon2id alone takes 3.5 hours for 62 M identifiers on two cores.
        "default": Argon2Cost(passes=1, memory_kib=1024),
        # OWASP's minimum for passwords: acceptable for a small breach, days for a very large one.
        "strong": Argon2Cost(passes=2, memory_kib=19 * 1024),
    }
)


def profile_name(cost: Argon2Cost) -> str | None:
    """Return the name of the profile with this cost, or None."""
    return next((name for name, profile in COST_PROFILES.items() if profile == cost), None)


def parse_cost(text: str) -> Argon2Cost:
    """Parse the value of `--cost`: the name of a profile, or passes and KiB, such as `1:512`.

    Raises:
        InvalidInput: it is neither, or is out of range.
    """
    if text in COST_PROFILES:
        return COST_PROFILES[text]
    match = re.fullmatch("([1-9][0-9]?):([1-9][0-9]{0,6})", text)
    if match is not None:
        cost = Argon2Cost(int(match[1]), int(match[2]))
        if cost.passes <= MAX_PASSES and cost.memory_kib in _ALLOWED_MEMORY_KIB:
            return cost
    raise InvalidInput(
        f"--cost: must be one of {', '.join(COST_PROFILES)}, or PASSES:KIB such as 1:512 "
        f"(1 to {MAX_PASSES} passes over {_ALLOWED_MEMORY_KIB[0]} to {_ALLOWED_MEMORY_KIB[-1]} KiB)"
    )


@dataclass(frozen=True, slots=True)
class KdfParams:
    """Salt and cost of a deployment. Its first import fixes them for all identifiers and data sets."""

    salt: bytes
    cost: Argon2Cost

    @classmethod
    def generate(cls, cost: Argon2Cost) -> "KdfParams":
        """Create the parameters of a new deployment, with a random salt."""
        return cls(secrets.token_bytes(SALT_BYTES), cost)

    def derive_check_value(self, mac: bytes) -> bytes:
        """Derive the 16 bytes that are stored with the parameters and identify the pepper (a key check value).

        Args:
            mac: the keyholder's MAC of `mac_inputs.kdf_params_input`.
        """
        return hkdf_expand(self.stretch(mac), info=b"exposure-lookup/1 scheme", length=CHECK_VALUE_BYTES)

    def stretch(self, mac: bytes) -> bytes:
        """Compute the 32-byte digest of a keyholder's MAC. Releases the interpreter lock meanwhile.

        Raises:
            DependencyUnavailable: there is not enough memory.
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
            raise DependencyUnavailable(f"Argon2id cannot allocate {self.cost.memory_kib:,} KiB of memory") from None

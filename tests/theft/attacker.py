"""An attacker who tests guesses against what was stolen. Knows the published scheme only: imports nothing of `app`.

Every guess is turned into all the byte strings that the scheme, or a careless implementation of it, might store for it under the stolen keys. A guess
is confirmed where the first `PREFIX` bytes of one of them occur anywhere in the stolen bytes, as they are or as hex or base64.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from hmac import digest
from itertools import pairwise
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.reference import derive_row_keys, encrypt_aes_block, frame, row_info, stretch, subkey

PREFIX = 8
IDENTIFIER, PSEUDONYM, SUBJECT = (
    f"exposure-lookup/1 {label}".encode() for label in ("identifier", "pseudonym", "subject")
)
PURPOSES = ("targets", "pseudonyms", "limits", "subjects")
"""Purposes of subkeys that names of identifiers might be keyed with."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A person that the attacker suspects: an identifier, and for subjects also the references."""

    kind: str
    identifier: str
    account_ref: str = ""

    @property
    def channel(self) -> str:
        return "sms" if self.kind == "phone" else "email"


@dataclass(frozen=True, slots=True)
class Keys:
    """The stolen keys; those not stolen are None or absent."""

    application: bytes | None = None
    store: Mapping[UUID, bytes] = field(default_factory=dict)
    """Store keys by data set."""
    pepper: bytes | None = None


@dataclass(frozen=True, slots=True)
class Public:
    """What no key protects, and the database holds in clear."""

    salt: bytes
    passes: int
    memory_kib: int
    datasets: tuple[UUID, ...]
    incident: str


class Attacker:
    """Tests guesses with one set of keys."""

    def __init__(self, public: Public, keys: Keys) -> None:
        self._public = public
        self._keys = keys
        self._name_keys: list[bytes] = []
        self._subject_key = None
        if keys.application is not None:
            self._name_keys = [keys.application, *(subkey(keys.application, purpose) for purpose in PURPOSES)]
            self._subject_key = subkey(keys.application, "subjects")
        self._locator_keys = {dataset: subkey(key, "cloak") for dataset, key in keys.store.items()}

    def confirm(self, guesses: Iterable[Guess], stolen: Mapping[str, bytes]) -> dict[str, set[str]]:
        """Return the identifiers that the bytes stolen from each place confirm."""
        prefixes = {place: index_prefixes(content) for place, content in stolen.items()}
        confirmed: dict[str, set[str]] = {place: set() for place in stolen}
        for guess in guesses:
            forms = {form[:PREFIX] for form in self._forms(guess)}
            for place, known in prefixes.items():
                if not forms.isdisjoint(known):
                    confirmed[place].add(guess.identifier)
        return confirmed

    def _forms(self, guess: Guess) -> Iterator[bytes]:
        plain = guess.identifier.encode()
        inputs = [plain, frame(guess.channel.encode(), plain), frame(guess.kind.encode(), plain)]
        yield from (plain, sha256(plain).digest(), blake2b(plain).digest())
        if self._keys.pepper is not None:
            pepper, kind = self._keys.pepper, guess.kind.encode()
            mac = hmac(pepper, frame(IDENTIFIER, kind, plain))
            inputs += [
                mac,
                hmac(pepper, frame(PSEUDONYM, kind, plain)),
                hmac(pepper, frame(PSEUDONYM, guess.channel.encode(), plain)),
            ]
            subject = hmac(pepper, frame(SUBJECT, self._public.incident.encode(), f"{guess.account_ref}\0".encode()))[
                :16
            ]
            yield subject
            if self._subject_key is not None:
                yield encrypt_aes_block(self._subject_key, subject)
            yield from self._locators(mac)
        yield from inputs
        for key in self._name_keys:
            yield from (hmac(key, text) for text in inputs)

    def _locators(self, mac: bytes) -> Iterator[bytes]:
        public = self._public
        stretched = stretch(mac, public.salt, public.passes, public.memory_kib)
        yield stretched
        for dataset in public.datasets:
            locator, _ = derive_row_keys(stretched, row_info(dataset))
            yield locator
            if dataset in self._locator_keys:
                yield encrypt_aes_block(self._locator_keys[dataset], locator)


def open_spills(files: Mapping[str, bytes], store_keys: Iterable[bytes]) -> bytes:
    """Decrypt the files of a work folder that a store key opens: offsets of the chunks in 8 bytes each, then for each a nonce and a ciphertext."""
    opened = b""
    for name, content in files.items():
        if not name.startswith("sealed-"):
            continue
        offsets = [int.from_bytes(content[:8], "big")]
        offsets += [int.from_bytes(content[at : at + 8], "big") for at in range(8, offsets[0], 8)]
        for index, (start, end) in enumerate(pairwise(offsets)):
            nonce, ciphertext = content[start : start + 12], content[start + 12 : end]
            for key in store_keys:
                with suppress(InvalidTag):
                    aad = f"sealed {name.removeprefix('sealed-')} {index}".encode()
                    opened += AESGCM(subkey(key, "import")).decrypt(nonce, ciphertext, aad)
    return opened


def hmac(key: bytes, message: bytes) -> bytes:
    """Return the HMAC-SHA256 in one call, which is faster than that of the vectors."""
    return digest(key, message, "sha256")


def index_prefixes(stolen: bytes) -> set[bytes]:
    """Return every run of `PREFIX` bytes, of the bytes themselves and of what is hex or base64 in them."""
    texts = [stolen]
    texts += [bytes.fromhex(run.decode()[: len(run) // 2 * 2]) for run in re.findall(rb"[0-9a-fA-F]{16,}", stolen)]
    texts += [base64.urlsafe_b64decode(run[: len(run) // 4 * 4]) for run in re.findall(rb"[A-Za-z0-9_-]{20,}", stolen)]
    return {text[start : start + PREFIX] for text in texts for start in range(len(text) - PREFIX + 1)}

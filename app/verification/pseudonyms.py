"""Pseudonyms: the only names of identifiers that are stored outside of the sealed rows.

    pseudonym = HMAC-SHA256(application subkey, MAC of the keyholder)        the first 16 bytes

A plain hash of a phone number is the number: there are 10^8 of them. Neither the application key nor the pepper alone suffices to test one.
"""

import hmac

from app.crypto.keys import ApplicationKey
from app.crypto.mac_inputs import pseudonym_input
from app.identifiers import IdentifierKind
from app.keyholder import KeyholderClient

PSEUDONYM_BYTES = 16


class Pseudonymizer:
    """Computes pseudonyms. Each takes one call of the keyholder."""

    def __init__(self, application_key: ApplicationKey, keyholder: KeyholderClient) -> None:
        self._key = application_key.subkey("pseudonyms")
        self._keyholder = keyholder

    def pseudonym(self, kind: IdentifierKind, canonical: str) -> bytes:
        """Return the pseudonym of a canonical identifier.

        Raises:
            KeyholderUnavailable: the keyholder failed.
        """
        mac = self._keyholder.mac(pseudonym_input(kind, canonical))
        return hmac.digest(self._key, mac, "sha256")[:PSEUDONYM_BYTES]

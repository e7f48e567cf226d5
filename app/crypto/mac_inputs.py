"""Build the keyholder's MAC inputs: three framed parts (label, context, value). The HMAC is computed over all three.

    identifier   derives the locator and key of a person's rows        context: email, phone, sentinel or scheme
    pseudonym    names an identifier outside of the sealed rows        context: email or phone; lookup socket only
    value        compares a value with a person's own record           context: name or address
    subject      pseudonym of a person within one incident             context: the incident; import socket only

The labels separate the domains: the MAC of a value reveals nothing about the digest of an identifier. Label and context form the prefix;
one request can ask for many values under one prefix. Labels are part of the stored format: changing one makes all data sets unreadable.
"""

from uuid import UUID

from app.crypto.framing import frame

MAC_BYTES = 32
TAG_BYTES = 8
SUBJECT_BYTES = 16

IDENTIFIER_LABEL = b"exposure-lookup/1 identifier"
PSEUDONYM_LABEL = b"exposure-lookup/1 pseudonym"
VALUE_LABEL = b"exposure-lookup/1 value"
SUBJECT_LABEL = b"exposure-lookup/1 subject"

REF_SEPARATOR = "\0"
"""Between account_ref and recipient_ref. A data set file cannot contain it."""


def identifier_prefix(kind: str) -> bytes:
    """Return the prefix for identifiers of *kind* ``email`` or ``phone``. The value is the canonical form."""
    return frame(IDENTIFIER_LABEL, kind.encode())


def pseudonym_prefix(kind: str) -> bytes:
    """Return the prefix for pseudonyms of identifiers of *kind* ``email`` or ``phone``. The value is the canonical form."""
    return frame(PSEUDONYM_LABEL, kind.encode())


def value_prefix(kind: str) -> bytes:
    """Return the prefix for values of *kind* ``name`` or ``address``. The first 8 bytes of the MAC are the tag of the canonical form."""
    return frame(VALUE_LABEL, kind.encode())


def subject_prefix(incident: str) -> bytes:
    """Return the prefix for subjects of an incident. The first 16 bytes of the MAC of a `person_ref` are the subject."""
    return frame(SUBJECT_LABEL, incident.encode())


def identifier_input(kind: str, canonical: str) -> bytes:
    """Return the MAC input for an identifier."""
    return identifier_prefix(kind) + frame(canonical.encode())


def sentinel_input(dataset: UUID) -> bytes:
    """Return the MAC input for the sentinel of a data set: an identifier that no person can have."""
    return identifier_prefix("sentinel") + frame(dataset.bytes)


def kdf_params_input(salt: bytes) -> bytes:
    """Return the MAC input for the check value of the KDF parameters. A keyholder with another pepper returns another MAC."""
    return identifier_prefix("scheme") + frame(salt)


def pseudonym_input(kind: str, canonical: str) -> bytes:
    """Return the MAC input for the pseudonym of an identifier."""
    return pseudonym_prefix(kind) + frame(canonical.encode())


def value_input(kind: str, canonical: str) -> bytes:
    """Return the MAC input for the tag of a name or an address."""
    return value_prefix(kind) + frame(canonical.encode())


def person_ref(account_ref: str, recipient_ref: str) -> str:
    """Join the references that identify a person in a data set file. An empty *recipient_ref* is the account's holder."""
    return f"{account_ref}{REF_SEPARATOR}{recipient_ref}"


def subject_input(incident: str, account_ref: str, recipient_ref: str) -> bytes:
    """Return the MAC input for the subject of a person."""
    return subject_prefix(incident) + frame(person_ref(account_ref, recipient_ref).encode())

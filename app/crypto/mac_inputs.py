"""What the keyholder is asked: three framed parts, a label, what it is about, and a text. The HMAC is over all three.

    identifier   where a person's rows are, and what opens them       email, phone, sentinel or scheme
    value        what a person's own record can be asked about        name or address
    subject      who a person is within one incident                  the incident; the import door only

The label keeps the three apart, so that a value's tag says nothing of an identifier's digest. The first two parts are the heading:
many texts can be asked under one.
"""

from uuid import UUID

from app.crypto.framing import frame

MAC_BYTES = 32
TAG_BYTES = 8
SUBJECT_BYTES = 16

IDENTIFIER_LABEL = b"exposure-lookup/1 identifier"
VALUE_LABEL = b"exposure-lookup/1 value"
SUBJECT_LABEL = b"exposure-lookup/1 subject"

REF_SEPARATOR = "\0"
"""Between account_ref and recipient_ref: no data set file holds it."""


def identifier_prefix(kind: str) -> bytes:
    """Head the identifiers of *kind* ``email`` or ``phone``; the text is the canonical form."""
    return frame(IDENTIFIER_LABEL, kind.encode())


def value_prefix(kind: str) -> bytes:
    """Head the values of *kind* ``name`` or ``address``; the first 8 bytes of the answer are the tag of the canonical form."""
    return frame(VALUE_LABEL, kind.encode())


def subject_prefix(incident: str) -> bytes:
    """Head the subjects of an incident; the first 16 bytes of the answer are the subject of a person's references."""
    return frame(SUBJECT_LABEL, incident.encode())


def identifier_input(kind: str, canonical: str) -> bytes:
    """Ask for an identifier."""
    return identifier_prefix(kind) + frame(canonical.encode())


def sentinel_input(dataset: UUID) -> bytes:
    """Ask for the sentinel of a data set: an identifier that no person can have."""
    return identifier_prefix("sentinel") + frame(dataset.bytes)


def kdf_params_input(salt: bytes) -> bytes:
    """Ask for what vouches for the scheme of a deployment: who answers otherwise holds another pepper."""
    return identifier_prefix("scheme") + frame(salt)


def value_input(kind: str, canonical: str) -> bytes:
    """Ask for the tag of a name or an address."""
    return value_prefix(kind) + frame(canonical.encode())


def person_ref(account_ref: str, recipient_ref: str) -> str:
    """Join what names a person in a data set file. An empty *recipient_ref* is the account's holder."""
    return f"{account_ref}{REF_SEPARATOR}{recipient_ref}"


def subject_input(incident: str, account_ref: str, recipient_ref: str) -> bytes:
    """Ask for a person's subject."""
    return subject_prefix(incident) + frame(person_ref(account_ref, recipient_ref).encode())

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

IDENTIFIER = b"exposure-lookup/1 identifier"
VALUE = b"exposure-lookup/1 value"
SUBJECT = b"exposure-lookup/1 subject"

BETWEEN_REFERENCES = "\0"
"""Between account_ref and recipient_ref: no data set file holds it."""


def of_identifiers(kind: str) -> bytes:
    """Head the identifiers of *kind* ``email`` or ``phone``; the text is the canonical form."""
    return frame(IDENTIFIER, kind.encode())


def of_values(kind: str) -> bytes:
    """Head the values of *kind* ``name`` or ``address``; the first 8 bytes of the answer are the tag of the canonical form."""
    return frame(VALUE, kind.encode())


def of_subjects(incident: str) -> bytes:
    """Head the subjects of an incident; the first 16 bytes of the answer are the subject of a person's references."""
    return frame(SUBJECT, incident.encode())


def identifier(kind: str, canonical: str) -> bytes:
    """Ask for an identifier."""
    return of_identifiers(kind) + frame(canonical.encode())


def sentinel(dataset: UUID) -> bytes:
    """Ask for the sentinel of a data set: an identifier that no person can have."""
    return of_identifiers("sentinel") + frame(dataset.bytes)


def scheme(salt: bytes) -> bytes:
    """Ask for what vouches for the scheme of a deployment: who answers otherwise holds another pepper."""
    return of_identifiers("scheme") + frame(salt)


def value(kind: str, canonical: str) -> bytes:
    """Ask for the tag of a name or an address."""
    return of_values(kind) + frame(canonical.encode())


def references(account_ref: str, recipient_ref: str) -> str:
    """Join what names a person in a data set file. An empty *recipient_ref* is the account's holder."""
    return f"{account_ref}{BETWEEN_REFERENCES}{recipient_ref}"


def subject(incident: str, account_ref: str, recipient_ref: str) -> bytes:
    """Ask for a person's subject."""
    return of_subjects(incident) + frame(references(account_ref, recipient_ref).encode())

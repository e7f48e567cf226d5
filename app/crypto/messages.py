"""What the keyholder is asked: the message under its HMAC, length-prefixed label first.

    identifier   where a person's rows are, and what opens them
    value        what a person's own record can be asked about
    subject      who a person is within one incident; the import door only

The label keeps the three apart, so that a value's tag says nothing of an identifier's digest.
"""

from uuid import UUID

from app.crypto.framing import frame, unframe

MAC_BYTES = 32
TAG_BYTES = 8
SUBJECT_BYTES = 16

IDENTIFIER = b"exposure-lookup/1 identifier"
VALUE = b"exposure-lookup/1 value"
SUBJECT = b"exposure-lookup/1 subject"


def identifier(kind: str, canonical: str) -> bytes:
    """Ask for an identifier of *kind* ``email`` or ``phone``, in its canonical form."""
    return frame(IDENTIFIER, kind.encode(), canonical.encode())


def sentinel(dataset: UUID) -> bytes:
    """Ask for the sentinel of a data set: an identifier that no person can have."""
    return frame(IDENTIFIER, b"sentinel", dataset.bytes)


def scheme(salt: bytes) -> bytes:
    """Ask for what vouches for the scheme of a deployment: who answers otherwise holds another pepper."""
    return frame(IDENTIFIER, b"scheme", salt)


def value(kind: str, canonical: str) -> bytes:
    """Ask for the tag of a name, address, email or phone; the first 8 bytes of the answer are the tag."""
    return frame(VALUE, kind.encode(), canonical.encode())


def subject(incident: str, account_ref: str, recipient_ref: str) -> bytes:
    """Ask for a person's subject; the first 16 bytes of the answer. An empty *recipient_ref* is the account's holder."""
    return frame(SUBJECT, incident.encode(), account_ref.encode(), recipient_ref.encode())


def label_of(message: bytes) -> bytes:
    """Tell which of the three a message is.

    Raises:
        Misframed: it is no message.
    """
    parts = unframe(message)
    return parts[0] if parts else b""

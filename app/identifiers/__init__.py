"""Canonical forms and masks: one spelling of an email, a phone, a name, an address, and what its owner may be shown of it.

Bulk import and look-ups both come here: a spelling that one of them read otherwise would be an answer "not found" to somebody who was affected.
Text is refused with a reason rather than guessed at; no error ever holds it. Pure: nothing is opened, stored or logged.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from app.identifiers import address, email, name, phone
from app.identifiers.phone import calling_code
from app.identifiers.folding import ValueKind, MalformedValue

__all__ = [
    "IDENTIFIER_KINDS",
    "VALUE_KINDS",
    "IdentifierKind",
    "MalformedValue",
    "ValueKind",
    "calling_code",
    "canonicalize",
    "mask",
]

IdentifierKind = Literal["email", "phone"]

IDENTIFIER_KINDS: tuple[IdentifierKind, ...] = ("email", "phone")
"""What a person can prove to be theirs."""

VALUE_KINDS: tuple[ValueKind, ...] = ("name", "address", "email", "phone")
"""What a person can compare inside their own record."""

_CANONICAL: Mapping[ValueKind, Callable[[str], str]] = MappingProxyType(
    {"email": email.canonicalize, "phone": phone.canonicalize, "name": name.canonicalize, "address": address.canonicalize}
)
_MASK: Mapping[ValueKind, Callable[[str], str]] = MappingProxyType(
    {"email": email.mask, "phone": phone.mask, "name": name.mask, "address": address.mask}
)


def canonicalize(kind: ValueKind, text: str) -> str:
    """Spell the one form of *text* that is digested; a canonical form is its own.

    Raises:
        Malformed: there is none, for a reason that the error names.
    """
    return _CANONICAL[kind](text)


def mask(kind: ValueKind, canonical: str) -> str:
    """Show its owner enough of a *canonical* form to recognise it, never the whole, however short it is."""
    return _MASK[kind](canonical)

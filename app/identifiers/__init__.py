"""Canonical forms and masks of emails, phones, names and addresses.

The bulk import and the look-ups both use this package: if they canonicalized a spelling differently, an affected person would get a false
"not found". Ambiguous text is refused with a reason, never guessed; no error contains it. The functions are pure: they open, store and log nothing.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from app.identifiers import address, email, name, phone
from app.identifiers.folding import MalformedValue, ValueKind
from app.identifiers.phone import calling_code

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
"""Kinds that a person can prove to own."""

VALUE_KINDS: tuple[ValueKind, ...] = ("name", "address", "email", "phone")
"""Kinds that a person can compare with their own record."""

_CANONICALIZERS: Mapping[ValueKind, Callable[[str], str]] = MappingProxyType(
    {
        "email": email.canonicalize,
        "phone": phone.canonicalize,
        "name": name.canonicalize,
        "address": address.canonicalize,
    }
)
_MASKS: Mapping[ValueKind, Callable[[str], str]] = MappingProxyType(
    {"email": email.mask, "phone": phone.mask, "name": name.mask, "address": address.mask}
)


def canonicalize(kind: ValueKind, text: str) -> str:
    """Return the canonical form of *text*, which is what gets digested. A canonical form is its own canonical form.

    Raises:
        MalformedValue: there is none; the error has the reason.
    """
    return _CANONICALIZERS[kind](text)


def mask(kind: ValueKind, canonical: str) -> str:
    """Mask a *canonical* form so that its owner can recognise it. Never show all of it, however short it is."""
    return _MASKS[kind](canonical)

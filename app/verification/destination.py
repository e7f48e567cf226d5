"""Whom a code is sent to."""

from collections.abc import Collection
from dataclasses import dataclass, field

from app.delivery import Channel
from app.identifiers import IdentifierKind, MalformedValue, calling_code, canonicalize, mask
from app.rate_limits import LimitSubject
from app.verification.errors import InvalidIdentifier

KINDS: dict[Channel, IdentifierKind] = {"email": "email", "sms": "phone"}
"""Which identifier a channel reaches."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An identifier in canonical form, and the channel that reaches it."""

    channel: Channel
    to: str = field(repr=False)

    @property
    def kind(self) -> IdentifierKind:
        """What kind of identifier it is."""
        return KINDS[self.channel]

    @property
    def masked(self) -> str:
        """As its owner may be shown it."""
        return mask(self.kind, self.to)

    @property
    def recipient(self) -> LimitSubject:
        """As the budgets know it."""
        destination = "email" if self.channel == "email" else calling_code(self.to)
        return LimitSubject(destination, f"{self.channel} {self.to}".encode())


def parse_destination(channel: Channel, identifier: str, countries: Collection[str]) -> Destination:
    """Read whom somebody asks a code for.

    Args:
        channel: that reaches them.
        identifier: as it was typed.
        countries: calling codes of those to which text messages are sent.

    Raises:
        InvalidIdentifier: it cannot be one of this channel, or is one of a country that is not served.
    """
    try:
        destination = Destination(channel, canonicalize(KINDS[channel], identifier))
    except MalformedValue as malformed:
        raise InvalidIdentifier(malformed.reason) from None
    if channel == "sms" and calling_code(destination.address) not in countries:
        raise InvalidIdentifier("country-not-served")
    return destination

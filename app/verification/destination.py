"""Where a code is sent: a channel and an address."""

from collections.abc import Collection
from dataclasses import dataclass, field

from app.delivery import Channel
from app.identifiers import IdentifierKind, MalformedValue, calling_code, canonicalize, mask
from app.rate_limits import LimitSubject
from app.verification.errors import InvalidIdentifier

IDENTIFIER_KINDS: dict[Channel, IdentifierKind] = {"email": "email", "sms": "phone"}
"""The kind of identifier that each channel delivers to."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An identifier in canonical form, and the channel that delivers to it."""

    channel: Channel
    address: str = field(repr=False)

    @property
    def kind(self) -> IdentifierKind:
        """The kind of identifier."""
        return IDENTIFIER_KINDS[self.channel]

    @property
    def masked(self) -> str:
        """The address, masked for display to its owner."""
        return mask(self.kind, self.address)

    @property
    def limit_subject(self) -> LimitSubject:
        """The destination as the rate limits identify it."""
        region = "email" if self.channel == "email" else calling_code(self.address)
        return LimitSubject(region, f"{self.channel} {self.address}".encode())


def parse_destination(channel: Channel, identifier: str, countries: Collection[str]) -> Destination:
    """Parse the destination of a code request.

    Args:
        channel: how the code is to be sent.
        identifier: as typed.
        countries: calling codes of the countries to which text messages are sent.

    Raises:
        InvalidIdentifier: the identifier is invalid for this channel, or its country is not served.
    """
    try:
        destination = Destination(channel, canonicalize(IDENTIFIER_KINDS[channel], identifier))
    except MalformedValue as malformed:
        raise InvalidIdentifier(malformed.reason) from None
    if channel == "sms" and calling_code(destination.address) not in countries:
        raise InvalidIdentifier("country-not-served")
    return destination

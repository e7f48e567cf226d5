"""Where a code is sent: a channel and an address, and the pseudonym that names them."""

from collections.abc import Collection
from dataclasses import dataclass, field

from app.delivery import Channel
from app.identifiers import IdentifierKind, MalformedValue, calling_code, canonicalize, mask
from app.rate_limits import LimitSubject
from app.verification.errors import InvalidIdentifier
from app.verification.pseudonyms import Pseudonymizer

IDENTIFIER_KINDS: dict[Channel, IdentifierKind] = {"email": "email", "sms": "phone"}
"""The kind of identifier that each channel delivers to."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An identifier in canonical form, and the channel that delivers to it."""

    channel: Channel
    address: str = field(repr=False)
    pseudonym: bytes = field(repr=False)
    """What the identifier is called wherever it must not be known, as in rate limits and opt-outs."""

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
        return LimitSubject(region, self.pseudonym)


def parse_destination(
    channel: Channel, identifier: str, countries: Collection[str], pseudonymizer: Pseudonymizer
) -> Destination:
    """Parse the destination of a code request.

    Args:
        channel: how the code is to be sent.
        identifier: as typed.
        countries: calling codes of the countries to which text messages are sent.
        pseudonymizer: names the destination.

    Raises:
        InvalidIdentifier: the identifier is invalid for this channel, or its country is not served.
        KeyholderUnavailable: the keyholder failed.
    """
    kind = IDENTIFIER_KINDS[channel]
    try:
        address = canonicalize(kind, identifier)
    except MalformedValue as malformed:
        raise InvalidIdentifier(malformed.reason) from None
    if channel == "sms" and calling_code(address) not in countries:
        raise InvalidIdentifier("country-not-served")
    return Destination(channel, address, pseudonymizer.pseudonym(kind, address))

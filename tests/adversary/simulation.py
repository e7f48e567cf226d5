"""The world: the application, the people, and time, in which hours pass in seconds.

One event follows the other by its time, so that what comes of a run depends on nothing but the chance of the codes.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heappop, heappush
from math import inf

from tests.adversary.people import Person
from tests.adversary.proxy_client import Actor, Answer, Call, Line, Step
from tests.support.deployment import Deployment

TRIP = 0.1
"""Seconds from a call to what is done about its answer."""
MAIL = 2.0
"""Seconds until a code arrives."""
ERASURE = 3600.0
AT_ONCE = 16
"""Connections for calls that come at once."""


@dataclass
class Part:
    """Somebody who acts in the simulation."""

    name: str
    actor: Actor
    begins: float = 0.0
    gap: float = TRIP
    """Seconds from one call to the next."""
    tries: float = inf
    """Calls at most."""
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def made(self) -> int:
        """Calls so far."""
        return self.statuses.total()


class World:
    """Who is there, what was sent to whom, and what time it is."""

    def __init__(self, deployment: Deployment, port: int, people: Sequence[Person], own: Sequence[Person]) -> None:
        self.deployment = deployment
        self.people = people
        self.own = own
        self.port = port
        self.now = 0.0
        """Seconds since it began."""
        self.inbox: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        """When which code came, by whom it came to."""
        self.refusals: Counter[str] = Counter()
        """How often each budget refused, those that are silent too."""
        self.victim = next(person for person in people if person.identifier == person.phone)
        """Whose phone is to ring without end."""
        self._began = deployment.clock.now
        self._mail_at, self._erase_at = inf, ERASURE
        self._line = Line(port)
        self._crowd = [Line(port) for _ in range(AT_ONCE)]

    def run(self, parts: Sequence[Part]) -> None:
        """Let all of them act until nobody does."""
        numbers = itertools.count()
        events: list[tuple[float, int, Part, object]] = []
        for part in parts:
            heappush(events, (part.begins, next(numbers), part, None))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while events:
                at, _, part, answer = heappop(events)
                self._go_to(at)
                try:
                    step: Step = part.actor.send(answer)
                except StopIteration:
                    continue
                waits, said = self._do(part, step, pool)
                if part.made < part.tries:
                    heappush(events, (at + waits, next(numbers), part, said))
        self._go_to(self.now + MAIL)

    def close(self) -> None:
        """Hang up."""
        for line in (self._line, *self._crowd):
            line.close()

    def _do(self, part: Part, step: Step, pool: ThreadPoolExecutor) -> tuple[float, object]:
        """Do a step; gives how long until the next, and what it is sent."""
        if isinstance(step, int | float):
            return step, None
        if isinstance(step, Call):
            return part.gap, self._note(part, self._line.send(step))
        jobs: list[tuple[Line, list[Call]]] = [(line, []) for line in self._crowd]
        for number, call in enumerate(step):
            jobs[number % AT_ONCE][1].append(call)
        answered = list(pool.map(lambda job: [job[0].send(call) for call in job[1]], jobs))
        return part.gap, [self._note(part, answer) for batch in answered for answer in batch]

    def _note(self, part: Part, answer: Answer) -> Answer:
        part.statuses[answer.status] += 1
        if answer.status == 202:
            self._mail_at = min(self._mail_at, self.now + MAIL)
        return answer

    def _go_to(self, at: float) -> None:
        """Let time pass, and what is due happen on the way."""
        while self._mail_at <= at or self._erase_at <= at:
            if self._mail_at <= self._erase_at:
                self._set(self._mail_at)
                self._mail_at = inf
                for message in self.deployment.deliver_outbox():
                    self.inbox[message.address].append((self.now, message.code))
            else:
                self._set(self._erase_at)
                self._erase_at += ERASURE
                with self.deployment.database.write() as session:
                    self.deployment.app.state.services.verification.erase_expired(session, now=self.deployment.clock())
        self._set(at)

    def _set(self, at: float) -> None:
        self.now = at
        self.deployment.clock.now = self._began + timedelta(seconds=at)

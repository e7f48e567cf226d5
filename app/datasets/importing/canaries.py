"""Making canaries up and planting them among the people that were read: everything behind the read stage takes them for people of the file.

Who they are is drawn under the application secret, for one incident: each data set of it has the same ones, as it has the same people. What is
said of them is what the file says of people drawn by lot, with as many identifiers, names and addresses: neither sizes nor counts stand out.

Their identifiers are nobody's. Emails stand at a domain that delivers to nobody. Phones are of the exchanges 0000 to 1999 of 010, which may not be
used (https://kukinews.com/article/view/kuk201709210160); one that the file has all the same, as people type anything, is left out.
"""

import hmac
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from app.crypto import messages
from app.crypto.expansion import LOCATOR_BYTES
from app.crypto.padding import TooLong
from app.crypto.seal import size_class
from app.crypto.secret import ApplicationSecret
from app.datasets.errors import ImportFailed
from app.datasets.importing.people import Person, gather, sum_up, unite
from app.datasets.importing.reading import BETWEEN, Row
from app.datasets.importing.request import CANARIES_AT_MOST, Request
from app.datasets.importing.sealing import Sealed, hints_of
from app.datasets.importing.spill import Spill
from app.datasets.record import encode_hints, encode_items
from app.datasets.synthetic.people import People, plain_address
from app.identifiers import Malformed, canonical

_EACH = 2
"""Emails, phones, names and addresses of one canary at most: few people have more."""
_PHONES = 4
"""Phones that are drawn for each, of which the file may have some."""
_MODELS = 30
"""People of the file that are tried as a model of one, until one's size fits."""
_TYPED = frozenset({0, 1111, 1234})
"""Exchanges that people type who have no number to give, and who are not to raise an alarm."""


@dataclass(slots=True)
class Planted:
    """What was planted, in no figure that an operator is told."""

    identifiers: list[str] = field(default_factory=list, repr=False)
    people: int = 0
    tallies: Counter[tuple[str, int]] = field(default_factory=Counter)

    def leave_out(self, total: Sealed) -> None:
        """Take them out of what became of all people."""
        total.people -= self.people
        total.tallies.subtract(self.tallies)
        total.tallies = +total.tallies


class Canaries:
    """The canaries that one import asks for."""

    def __init__(self, secret: ApplicationSecret, request: Request, *, hints: bool) -> None:
        """Know whose seed they are drawn of, and whether records have *hints*.

        Raises:
            ImportFailed: there are too many, or no email can stand at their domain.
        """
        if not 0 <= request.canaries <= CANARIES_AT_MOST:
            raise ImportFailed(f"canaries: from 0 to {CANARIES_AT_MOST:,}")
        seed = hmac.digest(secret.subkey("canaries"), request.incident.encode(), "sha256")
        self._hints = hints
        self._count = request.canaries
        self._people = People(1, int.from_bytes(seed, "big"))
        self._domain = _domain(request.canary_domain)

    def phones(self) -> frozenset[str]:
        """All phones that may be planted, for the read stage to look out for."""
        return frozenset(phone for number in range(self._count) for phone in self._phones(number))

    def plant(self, spill: Spill, blocks: int, partitions: int, taken: AbstractSet[str]) -> Planted:
        """Put them aside as one more block of rows, of the number *blocks*.

        Args:
            spill: of the read stage.
            blocks: that it wrote.
            partitions: in each.
            taken: phones that the file has.
        """
        planted = Planted()
        models = _models(spill, blocks, partitions) if self._count else []
        parts: list[list[tuple[Any, ...]]] = [[] for _ in range(partitions)]
        for number in range(self._count if models else 0):
            rows = self._like_one_of(models, number, taken)
            if not rows:
                continue
            canary = unite(rows[0].who, rows)
            parts[crc32(canary.who.encode()) % partitions] += map(tuple, rows)
            planted.identifiers += [*canary.emails, *canary.phones]
            planted.people += 1
            planted.tallies.update(sum_up(canary.claims).seen)
        if planted.people:
            spill.write(blocks, parts)
        return planted

    def _like_one_of(self, models: Sequence[Person], number: int, taken: AbstractSet[str]) -> list[Row]:
        """Make one up after somebody of the file whose rows are as large; nobody where hints that are shorter or longer let none be found."""
        for attempt in range(_MODELS):
            draw = self._people.draw(b"model", number * _MODELS + attempt)
            model = models[draw.below(len(models))]
            rows = self._after(model, number, taken)
            if self._size(unite(rows[0].who, rows)) == self._size(model):
                return rows
        return []

    def _size(self, person: Person) -> int:
        """Say the size class of somebody's rows, as the seal stage comes to it; zero where it rejects them."""
        claimed = sum_up(person.claims)
        length = sum(
            (
                1 + messages.SUBJECT_BYTES,
                len(encode_items(claimed.items, range(len(claimed.cohorts)))),
                sum(1 + messages.TAG_BYTES * len(values) for values in (person.names, person.addresses)),
                len(encode_hints(hints_of(person))) if self._hints and hints_of(person) else 0,
                LOCATOR_BYTES * (len(person.emails) + len(person.phones) - 1),
            )
        )
        try:
            return size_class(length)
        except TooLong:
            return 0

    def _after(self, model: Person, number: int, taken: AbstractSet[str]) -> list[Row]:
        """Make one up after a *model* of the file: rows of one person."""
        free = [phone for phone in self._phones(number) if phone not in taken]
        phones = free[: min(len(model.phones), _EACH)]
        missing = min(len(model.phones), _EACH) - len(phones)  # an email takes a taken phone's place
        emails = self._emails(number, min(len(model.emails), _EACH) + missing)
        them = [self._people.outsider(number * _EACH + place) for place in range(_EACH)]
        names = [them[0].name, them[0].roman][: len(model.names)]
        addresses = [plain_address(one.home) for one in them][: len(model.addresses)]
        is_recipient = not model.who.endswith(messages.BETWEEN_REFERENCES)
        account = f"{self._people.draw(b'account', number).below(1 << 128):032x}"
        who = messages.references(account, "r1" if is_recipient else "")
        first, *others = model.claims
        spelled = (
            BETWEEN.join(sorted(emails)),
            BETWEEN.join(sorted(phones)),
            BETWEEN.join(sorted({canonical("name", one) for one in names})),
            BETWEEN.join(sorted({canonical("address", one) for one in addresses})),
        )
        return [Row(who, 0, *spelled, first), *(Row(who, 0, "", "", "", "", claim) for claim in others)]

    def _emails(self, number: int, count: int) -> list[str]:
        found = []
        for place in range(count):
            at = number * 2 * _EACH + place
            given, surname = self._people.outsider(at).roman.lower().split()
            tail = self._people.draw(b"email", at).below(10**8)  # nobody guesses it
            found.append(f"{given}.{surname}{tail}@{self._domain}")
        return found

    def _phones(self, number: int) -> list[str]:
        found = []
        for place in range(_PHONES):
            draw = self._people.draw(b"phone", number * _PHONES + place)
            exchange, line = draw.below(2000), draw.below(10_000)
            if exchange not in _TYPED:
                found.append(f"+8210{exchange:04}{line:04}")
        return list(dict.fromkeys(found))


def _models(spill: Spill, blocks: int, partitions: int) -> list[Person]:
    """Give people whom something finds, of the first partition that has any: who is in it, a hash of the references decides."""
    for number in range(partitions):
        people = [unite(*one) for one in sorted(gather(spill.read_all(blocks, number)).items())]
        if found := [person for person in people if person.emails or person.phones]:
            return found
    return []


def _domain(text: str) -> str:
    try:
        return canonical("email", f"a@{text}").removeprefix("a@")
    except Malformed:
        raise ImportFailed("canary domain: no email can stand at it") from None

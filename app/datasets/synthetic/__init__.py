"""A made-up Korean data set in the proportions of the sample incident, of any size, the same for the same seed.

Every account reference is marked, for there is no phone range that nobody owns; emails stand at reserved domains. Nothing
is remembered from one account to the next but a counter, so 33.7 million accounts take no more memory than twenty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from app.datasets.files.schema import Confidence, SourceRow
from app.datasets.synthetic.people import (
    SAMPLE_RECIPIENT,
    UNAFFECTED,
    SeededChoice,
    PersonGenerator,
    Person,
    format_address,
    format_phone,
    vary_addresses,
    vary_email,
    vary_names,
    vary_phone,
)
from app.datasets.synthetic.vocabulary import SHOPS
from app.errors import InvalidInput

SYNTHETIC_PREFIX: Final = "synthetic-"
MIN_ACCOUNTS_WITH_SAMPLES: Final = 20
MAX_ACCOUNTS: Final = 50_000_000
"""Holders and the people in their books take at most two thirds of the 010 space."""

_ADDRESS: Final = ("name", "phone", "address")
_MASKED: Final = (*_ADDRESS, "door_code_masked")
_CLEAR: Final = (*_ADDRESS, "door_code")
_VIEWS: Final = (1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 12, 20)  # 5.6 on average: 148 million views over 33.7 million accounts
_ENTRIES: Final = (*(0,) * 11, *(1,) * 6, 2, 2, 3, 4)  # people in an address book beside its holder
_SHOP_CHUNK, _SHOP_STEP, _SHOP_PLACE = 5_000, 200, 150  # one shop in 25 books of every 5,000 accounts


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """Somebody whom the demo can play. *identifier* is in plain spelling, and nobody else's in the data set."""

    about: str
    channel: Literal["email", "sms"]
    identifier: str
    name: str
    address: str


@dataclass(slots=True)
class _AccountProfile:
    """Which rows one account gets."""

    listed: bool = False
    on_file: bool = False
    entries: int = 0
    edited: bool = False
    ordered: bool = False
    added: bool = False
    shop: bool = False
    confidence: Confidence = "confirmed"
    list_confidence: Confidence = "confirmed"


_HOLDER, _SHOPPER, _BOOK = 0, 1, 2
_FIXED: Final = {
    _HOLDER: _AccountProfile(),
    _SHOPPER: _AccountProfile(listed=True, ordered=True),
    _BOOK: _AccountProfile(listed=True),
    3: _AccountProfile(listed=True, edited=True),
    4: _AccountProfile(added=True),
    10: _AccountProfile(listed=True, entries=1, confidence="possible", list_confidence="possible"),
    11: _AccountProfile(confidence="withdrawn", list_confidence="withdrawn"),
}
"""Accounts whose rows are not drawn: the samples, and one of everything that a small set would not have by chance."""
_UNREFERRED: Final = 12
"""Accounts below this are in nobody else's book."""


def synthesize(accounts: int, *, seed: int = 0) -> Iterator[SourceRow]:
    """Make the rows of *accounts* accounts, one after the other, each account's together.

    Raises:
        InvalidInput: *accounts* is below 1 or above `MAX_ACCOUNTS`.
    """
    if not 1 <= accounts <= MAX_ACCOUNTS:
        raise InvalidInput(f"accounts must be from 1 to {MAX_ACCOUNTS}")
    return _RowGenerator(accounts, seed).rows()


def sample_people(accounts: int, seed: int = 0) -> tuple[SamplePerson, ...]:
    """Name four persons of `synthesize(accounts, seed=seed)`, without making it.

    A holder with name and email only, a holder with phone, address and orders, somebody who is in an address book only, and
    somebody who is not in the data set. The first one's address is not in the set either.

    Raises:
        InvalidInput: *accounts* is below 20 or above `MAX_ACCOUNTS`.
    """
    if not MIN_ACCOUNTS_WITH_SAMPLES <= accounts <= MAX_ACCOUNTS:
        raise InvalidInput(f"accounts must be from {MIN_ACCOUNTS_WITH_SAMPLES} to {MAX_ACCOUNTS} for a set with samples")
    people = PersonGenerator(accounts, seed)
    holder = people.holder(_HOLDER)
    by_phone = (
        ("holder with phone, address and order items", people.holder(_SHOPPER)),
        ("recipient in somebody's address book only", people.reserved(SAMPLE_RECIPIENT)),
        ("unaffected person", people.reserved(UNAFFECTED)),
    )
    return (
        SamplePerson("holder with name and email only", "email", holder.email, holder.name, format_address(holder.address)),
        *(
            SamplePerson(about, "sms", format_phone(person.phone), person.name, format_address(person.address))
            for about, person in by_phone
        ),
    )


class _RowGenerator:
    """Makes one data set, account by account in order."""

    def __init__(self, accounts: int, seed: int) -> None:
        self._accounts = accounts
        self._people = PersonGenerator(accounts, seed)
        self._shops = accounts // _SHOP_CHUNK + 1
        self._shared = accounts // 60 + 1  # outsiders who are in three books each, or so
        self._next_outsider = self._shops + self._shared
        self._line = 0

    def rows(self) -> Iterator[SourceRow]:
        for account in range(self._accounts):
            draw = self._people.seeded_choice(b"account", account)
            yield from self._account(account, _FIXED.get(account) or self._shape(account, draw), draw)

    def _shape(self, account: int, draw: SeededChoice) -> _AccountProfile:
        shop = account % _SHOP_STEP == _SHOP_PLACE
        listed = draw.integer_below(1_000) < 425 or shop or self._people.family(account) is not None
        grade = draw.integer_below(1_000)
        overall: Confidence = "possible" if grade < 20 else "withdrawn" if grade < 23 else "confirmed"
        return _AccountProfile(
            listed=listed,
            on_file=draw.integer_below(100) < 9,
            entries=draw.choose(_ENTRIES) if listed else 0,
            edited=listed and draw.integer_below(5_800) == 0,  # 2,609 of 33.67 million accounts
            ordered=draw.integer_below(500) == 0,
            added=draw.integer_below(200) == 0,
            shop=shop,
            confidence=overall,
            list_confidence="possible" if 23 <= grade < 33 else overall,
        )

    def _account(self, account: int, shape: _AccountProfile, draw: SeededChoice) -> Iterator[SourceRow]:
        person = self._people.holder(account)
        reference = f"{SYNTHETIC_PREFIX}{account:08}"
        plain = account < _UNREFERRED
        names = (person.name,) if plain else vary_names(person, draw)
        email = person.email if plain else vary_email(person.email, draw)
        emails = (email, _tagged(person.email)) if not plain and draw.integer_below(100) == 0 else (email,)
        phones: tuple[str, ...] = ()
        addresses: tuple[str, ...] = ()
        if shape.listed or shape.added:
            addresses = (format_address(person.address),) if plain else vary_addresses(person.address, draw)
        if shape.listed or shape.added or shape.on_file:
            phones = (format_phone(person.phone) if plain else vary_phone(person.phone, draw),)
        filed = phones if shape.on_file and not shape.listed else ()

        def row(items: tuple[str, ...], cohort: str, count: int, confidence: Confidence) -> SourceRow:
            self._line += 1
            return SourceRow(self._line, reference, "", (), phones, names, addresses, items, cohort, count, confidence)

        grade = shape.confidence
        self._line += 1
        yield SourceRow(self._line, reference, "", emails, filed, names, (), ("name", "email"), "profile-edit", 1, grade)
        if shape.listed:
            views = draw.choose(_VIEWS)
            items = _MASKED if plain or draw.integer_below(5) else _ADDRESS
            yield row(items, "address-list", views, shape.list_confidence)
            for slot, (entry, entry_draw) in enumerate(self._entries(account, shape, person), start=1):
                yield self._recipient(reference, slot, entry, entry_draw, views, shape.list_confidence)
        if shape.edited:
            yield row(_CLEAR, "address-edit", 10 + draw.integer_below(19), grade)
        if shape.ordered:
            self._line += 1
            count = 1 + draw.integer_below(2)
            yield SourceRow(self._line, reference, "", (email,), (), (), (), ("order",), "order-list", count, grade)
        if shape.added:
            yield row(_ADDRESS, "added-2026-02", 1, grade)

    def _entries(self, account: int, shape: _AccountProfile, holder: Person) -> Iterator[tuple[Person, SeededChoice | None]]:
        """Answer who is in an account's book, with what their spelling is drawn of: None is plain."""
        if account == _BOOK:
            yield self._people.reserved(SAMPLE_RECIPIENT), None
        for slot in range(shape.entries):
            draw = self._people.seeded_choice(b"entry", account * 8 + slot)
            yield self._entry(account, holder, draw), draw
        if shape.shop:
            number = account // _SHOP_CHUNK
            shop = self._people.non_customer(number)
            name = SHOPS[number % len(SHOPS)]
            yield Person(name, name, shop.email, shop.phone, shop.at), None

    def _entry(self, account: int, holder: Person, draw: SeededChoice) -> Person:
        way = draw.integer_below(100)
        if way < 18 and self._accounts > _UNREFERRED:
            other = _UNREFERRED + draw.integer_below(self._accounts - _UNREFERRED)
            if other != account:
                return self._people.holder(other)
        if way < 33:
            return self._people.non_customer(self._shops + draw.integer_below(self._shared))
        self._next_outsider += 1
        entry = self._people.non_customer(self._next_outsider - 1)
        if way < 40:  # at home, and reached by the holder's phone
            return Person(entry.name, entry.latin_name, entry.email, holder.phone, holder.at)
        return entry

    def _recipient(
        self, reference: str, slot: int, entry: Person, draw: SeededChoice | None, views: int, confidence: Confidence
    ) -> SourceRow:
        self._line += 1
        emails: tuple[str, ...] = ()
        names: tuple[str, ...] = (entry.name,)
        addresses: tuple[str, ...] = (format_address(entry.address),)
        phone = format_phone(entry.phone)
        if draw is not None:
            emails = (vary_email(entry.email, draw),) if draw.integer_below(25) == 0 else ()
            names, addresses = vary_names(entry, draw), vary_addresses(entry.address, draw)
            phone = vary_phone(entry.phone, draw)
        ref = f"r{slot}"
        return SourceRow(
            self._line, reference, ref, emails, (phone,), names, addresses, _MASKED, "address-list", views, confidence
        )


def _tagged(email: str) -> str:
    """Give an email a tag: another mailbox name for the digest, the same person."""
    local, _, domain = email.partition("@")
    return f"{local}+shop@{domain}"

"""A synthetic Korean data set of any size, in the proportions of the sample incident. The same seed gives the same data set.

Account references are marked as synthetic, because no phone range is free of real owners. Emails have reserved domains. Only a counter is kept from
one account to the next, so 33.7 million accounts take no more memory than twenty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from app.errors import InvalidInput
from app.source_files.schema import Confidence, SourceRow
from app.synthetic.people import (
    SAMPLE_RECIPIENT,
    SAMPLE_UNAFFECTED,
    Person,
    PersonGenerator,
    SeededChoice,
    format_address,
    format_phone,
    vary_addresses,
    vary_email,
    vary_names,
    vary_phone,
)
from app.synthetic.vocabulary import SHOP_NAMES

SYNTHETIC_PREFIX: Final = "synthetic-"
MIN_ACCOUNTS_WITH_SAMPLES: Final = 20
MAX_ACCOUNTS: Final = 50_000_000
"""Holders and the people in their address books use at most two thirds of the 010 number space."""

_ADDRESS_ITEMS: Final = ("name", "phone", "address")
_ADDRESS_ITEMS_WITH_MASKED_CODE: Final = (*_ADDRESS_ITEMS, "door_code_masked")
_ADDRESS_ITEMS_WITH_CODE: Final = (*_ADDRESS_ITEMS, "door_code")
_VIEW_COUNTS: Final = (
    1,
    1,
    2,
    2,
    3,
    3,
    4,
    5,
    6,
    8,
    12,
    20,
)  # 5.6 on average: 148 million views of 33.7 million accounts
_ADDRESS_BOOK_SIZES: Final = (*(0,) * 11, *(1,) * 6, 2, 2, 3, 4)  # people besides the holder
# each block of 5,000 accounts has one shop, which is in 25 address books
_SHOP_BLOCK, _SHOP_STEP, _SHOP_OFFSET = 5_000, 200, 150


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """A person for the demo. *identifier* has a common spelling, and no other person of the data set has it."""

    about: str
    channel: Literal["email", "sms"]
    identifier: str
    name: str
    address: str


@dataclass(slots=True)
class _AccountProfile:
    """Which rows an account gets."""

    is_listed: bool = False
    has_phone_on_file: bool = False
    book_entries: int = 0
    is_edited: bool = False
    has_orders: bool = False
    is_added_later: bool = False
    has_shop: bool = False
    confidence: Confidence = "confirmed"
    list_confidence: Confidence = "confirmed"


_SAMPLE_HOLDER, _SAMPLE_SHOPPER, _SAMPLE_BOOK_OWNER = 0, 1, 2
_FIXED_PROFILES: Final = {
    _SAMPLE_HOLDER: _AccountProfile(),
    _SAMPLE_SHOPPER: _AccountProfile(is_listed=True, has_orders=True),
    _SAMPLE_BOOK_OWNER: _AccountProfile(is_listed=True),
    3: _AccountProfile(is_listed=True, is_edited=True),
    4: _AccountProfile(is_added_later=True),
    10: _AccountProfile(is_listed=True, book_entries=1, confidence="possible", list_confidence="possible"),
    11: _AccountProfile(confidence="withdrawn", list_confidence="withdrawn"),
}
"""Accounts whose rows are not random: the samples, and one of each case that a small data set would not have by chance."""
_FIRST_SHARED_ACCOUNT: Final = 12
"""Accounts below this one are in no other account's address book."""


def synthesize(accounts: int, *, seed: int = 0) -> Iterator[SourceRow]:
    """Generate the rows of *accounts* accounts. The rows of an account are contiguous.

    Raises:
        InvalidInput: *accounts* is below 1 or above `MAX_ACCOUNTS`.
    """
    if not 1 <= accounts <= MAX_ACCOUNTS:
        raise InvalidInput(f"accounts must be from 1 to {MAX_ACCOUNTS}")
    return _RowGenerator(accounts, seed).generate_rows()


def sample_people(accounts: int, seed: int = 0) -> tuple[SamplePerson, ...]:
    """Return four people of `synthesize(accounts, seed=seed)`, without generating it.

    A holder with name and email only, a holder with phone, address and orders, a recipient who is only in an address book, and a person who is not in
    the data set. The first one's address is not in the data set either.

    Raises:
        InvalidInput: *accounts* is below 20 or above `MAX_ACCOUNTS`.
    """
    if not MIN_ACCOUNTS_WITH_SAMPLES <= accounts <= MAX_ACCOUNTS:
        raise InvalidInput(
            f"accounts must be from {MIN_ACCOUNTS_WITH_SAMPLES} to {MAX_ACCOUNTS} for a set with samples"
        )
    people = PersonGenerator(accounts, seed)
    holder = people.holder(_SAMPLE_HOLDER)
    found_by_phone = (
        ("holder with phone, address and order items", people.holder(_SAMPLE_SHOPPER)),
        ("recipient in somebody's address book only", people.reserved_person(SAMPLE_RECIPIENT)),
        ("unaffected person", people.reserved_person(SAMPLE_UNAFFECTED)),
    )
    return (
        SamplePerson(
            "holder with name and email only", "email", holder.email, holder.name, format_address(holder.address)
        ),
        *(
            SamplePerson(about, "sms", format_phone(person.phone), person.name, format_address(person.address))
            for about, person in found_by_phone
        ),
    )


class _RowGenerator:
    """Generates one data set, account by account in order."""

    def __init__(self, accounts: int, seed: int) -> None:
        self._accounts = accounts
        self._people = PersonGenerator(accounts, seed)
        self._shop_count = accounts // _SHOP_BLOCK + 1
        self._shared_contact_count = accounts // 60 + 1  # non-customers who are in about three address books each
        self._next_contact = self._shop_count + self._shared_contact_count
        self._line = 0

    def generate_rows(self) -> Iterator[SourceRow]:
        for account in range(self._accounts):
            draw = self._people.seeded_choice(b"account", account)
            profile = _FIXED_PROFILES.get(account) or self._choose_profile(account, draw)
            yield from self._account_rows(account, profile, draw)

    def _choose_profile(self, account: int, draw: SeededChoice) -> _AccountProfile:
        has_shop = account % _SHOP_STEP == _SHOP_OFFSET
        is_listed = draw.integer_below(1_000) < 425 or has_shop or self._people.family_head(account) is not None
        grade = draw.integer_below(1_000)
        confidence: Confidence = "possible" if grade < 20 else "withdrawn" if grade < 23 else "confirmed"
        return _AccountProfile(
            is_listed=is_listed,
            has_phone_on_file=draw.integer_below(100) < 9,
            book_entries=draw.choose(_ADDRESS_BOOK_SIZES) if is_listed else 0,
            is_edited=is_listed and draw.integer_below(5_800) == 0,  # 2,609 of 33.67 million accounts
            has_orders=draw.integer_below(500) == 0,
            is_added_later=draw.integer_below(200) == 0,
            has_shop=has_shop,
            confidence=confidence,
            list_confidence="possible" if 23 <= grade < 33 else confidence,
        )

    def _account_rows(self, account: int, profile: _AccountProfile, draw: SeededChoice) -> Iterator[SourceRow]:
        holder = self._people.holder(account)
        account_ref = f"{SYNTHETIC_PREFIX}{account:08}"
        is_plain = account < _FIRST_SHARED_ACCOUNT
        names = (holder.name,) if is_plain else vary_names(holder, draw)
        email = holder.email if is_plain else vary_email(holder.email, draw)
        emails = (email, _add_email_tag(holder.email)) if not is_plain and draw.integer_below(100) == 0 else (email,)
        phones: tuple[str, ...] = ()
        addresses: tuple[str, ...] = ()
        if profile.is_listed or profile.is_added_later:
            addresses = (format_address(holder.address),) if is_plain else vary_addresses(holder.address, draw)
        if profile.is_listed or profile.is_added_later or profile.has_phone_on_file:
            phones = (format_phone(holder.phone) if is_plain else vary_phone(holder.phone, draw),)
        phones_on_file = phones if profile.has_phone_on_file and not profile.is_listed else ()

        def holder_row(items: tuple[str, ...], cohort: str, count: int, confidence: Confidence) -> SourceRow:
            self._line += 1
            return SourceRow(
                self._line, account_ref, "", (), phones, names, addresses, items, cohort, count, confidence
            )

        confidence = profile.confidence
        self._line += 1
        items = ("name", "email")
        yield SourceRow(
            self._line, account_ref, "", emails, phones_on_file, names, (), items, "profile-edit", 1, confidence
        )
        if profile.is_listed:
            views = draw.choose(_VIEW_COUNTS)
            has_masked_code = is_plain or draw.integer_below(5)
            list_items = _ADDRESS_ITEMS_WITH_MASKED_CODE if has_masked_code else _ADDRESS_ITEMS
            yield holder_row(list_items, "address-list", views, profile.list_confidence)
            for slot, (entry, entry_draw) in enumerate(self._address_book(account, profile, holder), start=1):
                yield self._recipient_row(account_ref, slot, entry, entry_draw, views, profile.list_confidence)
        if profile.is_edited:
            yield holder_row(_ADDRESS_ITEMS_WITH_CODE, "address-edit", 10 + draw.integer_below(19), confidence)
        if profile.has_orders:
            self._line += 1
            count = 1 + draw.integer_below(2)
            yield SourceRow(
                self._line, account_ref, "", (email,), (), (), (), ("order",), "order-list", count, confidence
            )
        if profile.is_added_later:
            yield holder_row(_ADDRESS_ITEMS, "added-2026-02", 1, confidence)

    def _address_book(
        self, account: int, profile: _AccountProfile, holder: Person
    ) -> Iterator[tuple[Person, SeededChoice | None]]:
        """Yield the people in an account's address book, each with the choices for their spelling; None: the common spelling."""
        if account == _SAMPLE_BOOK_OWNER:
            yield self._people.reserved_person(SAMPLE_RECIPIENT), None
        for slot in range(profile.book_entries):
            draw = self._people.seeded_choice(b"entry", account * 8 + slot)
            yield self._choose_contact(account, holder, draw), draw
        if profile.has_shop:
            shop_index = account // _SHOP_BLOCK
            shop = self._people.non_customer(shop_index)
            name = SHOP_NAMES[shop_index % len(SHOP_NAMES)]
            yield Person(name, name, shop.email, shop.phone, shop.address_bits), None

    def _choose_contact(self, account: int, holder: Person, draw: SeededChoice) -> Person:
        percentile = draw.integer_below(100)
        if percentile < 18 and self._accounts > _FIRST_SHARED_ACCOUNT:
            other_account = _FIRST_SHARED_ACCOUNT + draw.integer_below(self._accounts - _FIRST_SHARED_ACCOUNT)
            if other_account != account:
                return self._people.holder(other_account)
        if percentile < 33:
            return self._people.non_customer(self._shop_count + draw.integer_below(self._shared_contact_count))
        self._next_contact += 1
        contact = self._people.non_customer(self._next_contact - 1)
        if percentile < 40:  # lives with the holder and has the holder's phone
            return Person(contact.name, contact.latin_name, contact.email, holder.phone, holder.address_bits)
        return contact

    def _recipient_row(
        self,
        account_ref: str,
        slot: int,
        recipient: Person,
        draw: SeededChoice | None,
        views: int,
        confidence: Confidence,
    ) -> SourceRow:
        self._line += 1
        emails: tuple[str, ...] = ()
        names: tuple[str, ...] = (recipient.name,)
        addresses: tuple[str, ...] = (format_address(recipient.address),)
        phone = format_phone(recipient.phone)
        if draw is not None:
            emails = (vary_email(recipient.email, draw),) if draw.integer_below(25) == 0 else ()
            names, addresses = vary_names(recipient, draw), vary_addresses(recipient.address, draw)
            phone = vary_phone(recipient.phone, draw)
        return SourceRow(
            line=self._line,
            account_ref=account_ref,
            recipient_ref=f"r{slot}",
            emails=emails,
            phones=(phone,),
            names=names,
            addresses=addresses,
            items=_ADDRESS_ITEMS_WITH_MASKED_CODE,
            cohort="address-list",
            count=views,
            confidence=confidence,
        )


def _add_email_tag(email: str) -> str:
    """Add a tag to the mailbox name of an email: another identifier of the same person."""
    local_part, _, domain = email.partition("@")
    return f"{local_part}+shop@{domain}"

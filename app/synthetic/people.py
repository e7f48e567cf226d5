"""Synthetic people, each derived from an index, so that an address book of any size can refer to any person.

Nothing is stored: the same index always returns the same person. Phone numbers are a permutation of the whole 010 space, so that no two people share
one by accident. Korea reserves no range of numbers for tests, so account references are marked as synthetic instead.
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from app.synthetic import vocabulary

_T = TypeVar("_T")

SAMPLE_RECIPIENT: Final = 0
SAMPLE_UNAFFECTED: Final = 1
_RESERVED_COUNT: Final = 2
"""Indexes of the phone permutation that only the reserved people use."""

MAX_FAMILY_SIZE: Final = 5
"""Consecutive accounts that can be a household with one phone."""
_FULL_WIDTH: Final = str.maketrans("0123456789-", "０１２３４５６７８９－")


class SeededChoice:
    """A sequence of choices from random bits, which are consumed as the digits of a mixed-radix number."""

    __slots__ = ("_bits",)

    def __init__(self, bits: int) -> None:
        self._bits = bits

    def integer_below(self, bound: int) -> int:
        """Return an integer from 0 to *bound* - 1."""
        self._bits, rest = divmod(self._bits, bound)
        return rest

    def choose(self, choices: Sequence[_T]) -> _T:
        """Return one of *choices*, all equally likely."""
        self._bits, rest = divmod(self._bits, len(choices))
        return choices[rest]


class Address(NamedTuple):
    """The parts of an address. A house has an empty *complex*."""

    province: str
    informal_province: str
    short_province: str
    district: str
    road: str
    building: int
    dong: str
    lot: str
    complex: str
    block: int
    unit: int


@dataclass(frozen=True, slots=True)
class Person:
    """A synthetic person. *phone* is the eight digits after 010, in two groups; *address_bits* are the random bits of the address."""

    name: str
    latin_name: str
    email: str
    phone: tuple[str, str]
    address_bits: int

    @property
    def address(self) -> Address:
        """Where the person lives. Computed on access, because half of all holders have no address on file."""
        return _choose_address(SeededChoice(self.address_bits))


class PersonGenerator:
    """Generates the people of one synthetic data set: account holders, and people without an account."""

    def __init__(self, accounts: int, seed: int) -> None:
        self._accounts = accounts
        self._key = hashlib.blake2b(f"synthetic {seed}".encode(), digest_size=32).digest()
        noise = memoryview(hashlib.shake_256(self._key).digest(4 * 4 * 10_000)).cast("I")
        self._round_keys = [noise[start : start + 10_000].tolist() for start in range(0, 40_000, 10_000)]

    def seeded_choice(self, label: bytes, index: int) -> SeededChoice:
        """Return the choices of *label* and *index*, independent of all others."""
        return SeededChoice(int.from_bytes(self._digest(label, index), "little"))

    def holder(self, account: int) -> Person:
        """Return the holder of *account*. The members of a family share the family name, address and phone of its first account."""
        shared_bits, own_bits = self._person_bits(b"holder", account)
        head = self.family_head(account)
        if head is None:
            return _make_person(shared_bits, own_bits, self.phone_number(_RESERVED_COUNT + account), ".", account)
        shared_bits, _ = self._person_bits(b"holder", head)
        return _make_person(shared_bits, own_bits, self.phone_number(_RESERVED_COUNT + head), ".", account)

    def non_customer(self, index: int) -> Person:
        """Return a person without an account."""
        phone = self.phone_number(_RESERVED_COUNT + self._accounts + index)
        return _make_person(*self._person_bits(b"outsider", index), phone, "-", index)

    def reserved_person(self, index: int) -> Person:
        """Return `SAMPLE_RECIPIENT` or `SAMPLE_UNAFFECTED`, whose phone no other person has."""
        return _make_person(*self._person_bits(b"reserved", index), self.phone_number(index), "_", index)

    def family_head(self, account: int) -> int | None:
        """Return the first account of the account's family; None if it shares no phone. Account 5 has a family."""
        group, member = divmod(account, MAX_FAMILY_SIZE)
        if group == 0:
            return None
        noise = self._round_keys[0][group % 10_000] ^ self._round_keys[1][group // 10_000 % 10_000]
        if group > 1 and noise % 40:
            return None
        return group * MAX_FAMILY_SIZE if member < 2 + noise // 40 % (MAX_FAMILY_SIZE - 1) else None

    def phone_number(self, index: int) -> tuple[str, str]:
        """Return the number at *index* of the permutation: four Feistel rounds over two groups of four digits."""
        left, right = divmod(index, 10_000)
        for round_key in self._round_keys:
            left, right = right, (left + round_key[right]) % 10_000
        return f"{left:04}", f"{right:04}"

    def _person_bits(self, label: bytes, index: int) -> tuple[int, int]:
        """Return the bits that a family shares, and the person's own bits."""
        digest = self._digest(label, index)
        return int.from_bytes(digest[:32], "little"), int.from_bytes(digest[32:], "little")

    def _digest(self, label: bytes, index: int) -> bytes:
        return hashlib.blake2b(index.to_bytes(8, "little"), key=self._key, person=label).digest()


def _choose_address(draw: SeededChoice) -> Address:
    province, informal_province, short_province, district, roads, dongs = draw.choose(vocabulary.DISTRICTS)
    is_apartment = draw.integer_below(10) < 7
    return Address(
        province,
        informal_province,
        short_province,
        district,
        draw.choose(roads),
        1 + draw.integer_below(480),
        draw.choose(dongs),
        f"{1 + draw.integer_below(990)}-{draw.integer_below(40)}".removesuffix("-0"),
        draw.choose(vocabulary.APARTMENT_COMPLEXES) if is_apartment else "",
        101 + draw.integer_below(16),
        100 * (1 + draw.integer_below(25)) + 1 + draw.integer_below(4),
    )


def _make_person(shared_bits: int, own_bits: int, phone: tuple[str, str], separator: str, index: int) -> Person:
    """Make a person from random bits. *separator* and *index* make the email unique."""
    address_bits, name_index = divmod(shared_bits, len(vocabulary.FAMILY_NAMES))
    family_name, latin_family_name = vocabulary.FAMILY_NAMES[name_index]
    draw = SeededChoice(own_bits)
    first, latin_first = draw.choose(vocabulary.FIRST_SYLLABLES)
    second, latin_second = draw.choose(vocabulary.SECOND_SYLLABLES)
    latin_given_name = latin_first + latin_second
    email = f"{latin_given_name}{separator}{latin_family_name}{index}@{draw.choose(vocabulary.EMAIL_DOMAINS)}"
    latin_name = f"{latin_given_name} {latin_family_name}".title()
    return Person(family_name + first + second, latin_name, email, phone, address_bits)


def format_phone(phone: tuple[str, str]) -> str:
    """Return a phone number in the most common spelling."""
    return f"010-{phone[0]}-{phone[1]}"


def vary_phone(phone: tuple[str, str], draw: SeededChoice) -> str:
    """Return a phone number in one of the spellings that people and spreadsheets produce."""
    form = draw.choose(vocabulary.PHONE_FORMS)
    spelled = form.format(a=phone[0], b=phone[1])
    return spelled.translate(_FULL_WIDTH) if form[0] == "０" else spelled


def vary_email(email: str, draw: SeededChoice) -> str:
    """Return an email, sometimes with the capitals that some forms add."""
    variant = draw.integer_below(40)
    if variant == 0:
        return email.upper()
    return email.title() if variant == 1 else email


def vary_names(person: Person, draw: SeededChoice) -> tuple[str, ...]:
    """Return a person's name; rarely decomposed (as on macOS), with a space, or with the Latin name as a second value."""
    variant = draw.integer_below(200)
    name = person.name
    if variant == 0:
        return (unicodedata.normalize("NFD", name),)
    if variant == 1:
        return (f"{name[:-2]} {name[-2:]}",)
    return (name, person.latin_name) if variant == 2 else (name,)


def format_address(address: Address) -> str:
    """Return an address in the postal form: by road, with the legal dong in brackets."""
    by_road = f"{address.province} {address.district} {address.road} {address.building}"
    if not address.complex:
        return f"{by_road} ({address.dong})"
    return f"{by_road}, {address.block}동 {address.unit}호 ({address.dong}, {address.complex})"


def vary_addresses(address: Address, draw: SeededChoice) -> tuple[str, ...]:
    """Return an address by road, at random number, or both."""
    variant = draw.integer_below(40)
    if variant < 14:
        return (format_address(address),)
    if variant < 34:
        return (_informal_address(address, variant % 5),)
    if variant == 34:
        return format_address(address), _informal_address(address, 1)
    if variant < 37:
        return (f"({10_000 + address.building * 107}) {format_address(address)}",)
    if variant == 37:
        return (_informal_address(address, 0).translate(_FULL_WIDTH),)
    return (format_address(address),)


def _informal_address(address: Address, variant: int) -> str:
    by_road = f"{address.district} {address.road} {address.building}"
    by_lot = f"{address.district} {address.dong} {address.lot}"
    province, informal, short = address[:3]
    block, unit = address.block, address.unit
    if not address.complex:
        floor = ("", " 2층", " B01호", f" {unit}호")[unit % 4]
        return (
            f"{short} {by_road}{floor}",
            f"{province} {by_lot}{floor}",
            f"{short} {by_lot}번지",
            f"{informal} {by_road}({address.dong}){floor}",
            f"{informal} {by_lot}{floor}",
        )[variant]
    return (
        f"{short} {by_road} {block}동 {unit}호",
        f"{province} {by_lot} {address.complex} {block}동 {unit}호",
        f"{short} {by_lot}, {block}-{unit}",
        f"{informal} {by_road}, {block}동 {unit}호({address.dong})",
        f"{informal} {by_lot}번지 {address.complex} {block}동{unit}호",
    )[variant]

"""Synthetic people, each derived from a number alone, so that an address book of any size can refer to anybody in it.

Nothing is remembered: asking twice for one number gives one person. Phones are a permutation of the whole 010 space,
so that nobody shares one by accident; Korea reserves no range for tests, which is why account references are marked.
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from app.datasets.synthetic import vocabulary

_T = TypeVar("_T")

SAMPLE_RECIPIENT: Final = 0
UNAFFECTED: Final = 1
_RESERVED: Final = 2
"""Places in the phone permutation that no drawn person gets."""

FAMILY: Final = 5
"""Accounts in a row that may be a household with one phone."""
_FULL_WIDTH: Final = str.maketrans("0123456789-", "０１２３４５６７８９－")


class SeededChoice:
    """Choices out of random bits, taken off one by one as digits of a mixed base."""

    __slots__ = ("_bits",)

    def __init__(self, bits: int) -> None:
        self._bits = bits

    def integer_below(self, bound: int) -> int:
        """Answer a number from 0 to *bound* - 1."""
        self._bits, rest = divmod(self._bits, bound)
        return rest

    def choose(self, choices: Sequence[_T]) -> _T:
        """Answer one of *choices*, each as likely as the next."""
        self._bits, rest = divmod(self._bits, len(choices))
        return choices[rest]


class Address(NamedTuple):
    """A place, in parts. A house has no *complex*."""

    full: str
    spoken: str
    short: str
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
    """Somebody made up. *phone* is the eight digits after 010, as two groups; *at* are the random bits of the home."""

    name: str
    latin_name: str
    email: str
    phone: tuple[str, str]
    at: int

    @property
    def address(self) -> Address:
        """Where the person lives, worked out when it is asked for: half of all holders have no address on file."""
        return _home(SeededChoice(self.at))


class PersonGenerator:
    """Everybody in one synthetic data set: holders by account, and outsiders who hold none."""

    def __init__(self, accounts: int, seed: int) -> None:
        self._accounts = accounts
        self._key = hashlib.blake2b(f"synthetic {seed}".encode(), digest_size=32).digest()
        noise = memoryview(hashlib.shake_256(self._key).digest(4 * 4 * 10_000)).cast("I")
        self._rounds = [noise[start : start + 10_000].tolist() for start in range(0, 40_000, 10_000)]

    def seeded_choice(self, kind: bytes, number: int) -> SeededChoice:
        """Start drawing for *number* of a *kind* of its own."""
        return SeededChoice(int.from_bytes(self._digest(kind, number), "little"))

    def holder(self, account: int) -> Person:
        """Derive the holder of *account*; a family's members share its first one's surname, home and phone."""
        common, own = self._halves(b"holder", account)
        head = self.family(account)
        if head is None:
            return _person(common, own, self.phone(_RESERVED + account), ".", account)
        return _person(self._halves(b"holder", head)[0], own, self.phone(_RESERVED + head), ".", account)

    def non_customer(self, number: int) -> Person:
        """Derive somebody without an account."""
        return _person(*self._halves(b"outsider", number), self.phone(_RESERVED + self._accounts + number), "-", number)

    def reserved(self, place: int) -> Person:
        """Derive one of the two whose phone is nobody else's: `SAMPLE_RECIPIENT`, `UNAFFECTED`."""
        return _person(*self._halves(b"reserved", place), self.phone(place), "_", place)

    def family(self, account: int) -> int | None:
        """Answer the account of the family's first member, or None for who shares no phone. Account 5 has a family."""
        group, place = divmod(account, FAMILY)
        if group == 0:
            return None
        noise = self._rounds[0][group % 10_000] ^ self._rounds[1][group // 10_000 % 10_000]
        if group > 1 and noise % 40:
            return None
        return group * FAMILY if place < 2 + noise // 40 % (FAMILY - 1) else None

    def phone(self, place: int) -> tuple[str, str]:
        """Answer the number at *place* of the permutation: four Feistel rounds over two groups of four digits."""
        left, right = divmod(place, 10_000)
        for noise in self._rounds:
            left, right = right, (left + noise[right]) % 10_000
        return f"{left:04}", f"{right:04}"

    def _halves(self, kind: bytes, number: int) -> tuple[int, int]:
        """Answer the bits that a family has in common, and a person's own."""
        digest = self._digest(kind, number)
        return int.from_bytes(digest[:32], "little"), int.from_bytes(digest[32:], "little")

    def _digest(self, kind: bytes, number: int) -> bytes:
        return hashlib.blake2b(number.to_bytes(8, "little"), key=self._key, person=kind).digest()


def _home(draw: SeededChoice) -> Address:
    full, spoken, short, district, roads, dongs = draw.choose(vocabulary.PLACES)
    in_complex = draw.integer_below(10) < 7
    return Address(
        full,
        spoken,
        short,
        district,
        draw.choose(roads),
        1 + draw.integer_below(480),
        draw.choose(dongs),
        f"{1 + draw.integer_below(990)}-{draw.integer_below(40)}".removesuffix("-0"),
        draw.choose(vocabulary.COMPLEXES) if in_complex else "",
        101 + draw.integer_below(16),
        100 * (1 + draw.integer_below(25)) + 1 + draw.integer_below(4),
    )


def _person(common: int, own: int, phone: tuple[str, str], joint: str, number: int) -> Person:
    """Make a person of two halves of bits; *joint* and *number* make the email unlike anybody else's."""
    at, place = divmod(common, len(vocabulary.SURNAMES))
    surname, roman = vocabulary.SURNAMES[place]
    draw = SeededChoice(own)
    first, first_roman = draw.choose(vocabulary.FIRST)
    second, second_roman = draw.choose(vocabulary.SECOND)
    given = first_roman + second_roman
    email = f"{given}{joint}{roman}{number}@{draw.choose(vocabulary.DOMAINS)}"
    return Person(surname + first + second, f"{given} {roman}".title(), email, phone, at)


def format_phone(phone: tuple[str, str]) -> str:
    """Spell a phone the way most people do."""
    return f"010-{phone[0]}-{phone[1]}"


def vary_phone(phone: tuple[str, str], draw: SeededChoice) -> str:
    """Spell a phone in one of the ways that people and spreadsheets do."""
    form = draw.choose(vocabulary.PHONE_FORMS)
    spelt = form.format(a=phone[0], b=phone[1])
    return spelt.translate(_FULL_WIDTH) if form[0] == "０" else spelt


def vary_email(email: str, draw: SeededChoice) -> str:
    """Spell an email with the capitals that some forms put in."""
    way = draw.integer_below(40)
    if way == 0:
        return email.upper()
    return email.title() if way == 1 else email


def vary_names(person: Person, draw: SeededChoice) -> tuple[str, ...]:
    """Spell a name, rarely decomposed (as macOS does), with a space, or beside its Latin form."""
    way = draw.integer_below(200)
    name = person.name
    if way == 0:
        return (unicodedata.normalize("NFD", name),)
    if way == 1:
        return (f"{name[:-2]} {name[-2:]}",)
    return (name, person.latin_name) if way == 2 else (name,)


def format_address(home: Address) -> str:
    """Spell an address as the post office does: by road, with the legal dong in brackets."""
    if not home.complex:
        return f"{home.full} {home.district} {home.road} {home.building} ({home.dong})"
    flat = f"{home.block}동 {home.unit}호"
    return f"{home.full} {home.district} {home.road} {home.building}, {flat} ({home.dong}, {home.complex})"


def vary_addresses(home: Address, draw: SeededChoice) -> tuple[str, ...]:
    """Spell an address by road, by lot number, or both."""
    way = draw.integer_below(40)
    if way < 14:
        return (format_address(home),)
    if way < 34:
        return (_informal_address(home, way % 5),)
    if way == 34:
        return format_address(home), _informal_address(home, 1)
    if way < 37:
        return (f"({10_000 + home.building * 107}) {format_address(home)}",)
    return (_informal_address(home, 0).translate(_FULL_WIDTH) if way == 37 else format_address(home),)


def _informal_address(home: Address, way: int) -> str:
    by_road = f"{home.district} {home.road} {home.building}"
    by_lot = f"{home.district} {home.dong} {home.lot}"
    if not home.complex:
        floor = ("", " 2층", " B01호", f" {home.unit}호")[home.unit % 4]
        return (
            f"{home.short} {by_road}{floor}",
            f"{home.full} {by_lot}{floor}",
            f"{home.short} {by_lot}번지",
            f"{home.spoken} {by_road}({home.dong}){floor}",
            f"{home.spoken} {by_lot}{floor}",
        )[way]
    return (
        f"{home.short} {by_road} {home.block}동 {home.unit}호",
        f"{home.full} {by_lot} {home.complex} {home.block}동 {home.unit}호",
        f"{home.short} {by_lot}, {home.block}-{home.unit}",
        f"{home.spoken} {by_road}, {home.block}동 {home.unit}호({home.dong})",
        f"{home.spoken} {by_lot}번지 {home.complex} {home.block}동{home.unit}호",
    )[way]

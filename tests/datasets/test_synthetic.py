"""The synthetic data set: the same for the same seed, marked, at reserved domains, in the incident's proportions."""

import re
import tracemalloc
import unicodedata
from collections import Counter, defaultdict
from itertools import islice

import pytest

from app.datasets.files.schema import SourceRow
from app.datasets.synthetic import MAX_ACCOUNTS, SYNTHETIC_PREFIX, sample_people, synthesize
from app.datasets.synthetic.people import PersonGenerator
from app.errors import InvalidInput
from app.identifiers import canonicalize

ACCOUNTS = 20_000
RESERVED = re.compile(r"@([a-z0-9가-힣-]+\.)*(example|example\.(com|org|net))$")
Someone = tuple[str, str]


@pytest.fixture(scope="module")
def rows() -> list[SourceRow]:
    return [*synthesize(ACCOUNTS, seed=7)]


def digits(phone: str) -> str:
    """The eight digits after 010, whatever the spelling."""
    return re.sub(r"\D", "", unicodedata.normalize("NFKC", phone))[-8:]


def who(row: SourceRow) -> Someone:
    return row.account_ref, row.recipient_ref


def by_phone(rows: list[SourceRow]) -> dict[str, set[Someone]]:
    people: dict[str, set[Someone]] = defaultdict(set)
    for row in rows:
        for phone in row.phones:
            people[digits(phone)].add(who(row))
    return people


def by_email(rows: list[SourceRow]) -> dict[str, set[Someone]]:
    people: dict[str, set[Someone]] = defaultdict(set)
    for row in rows:
        for email in row.emails:
            people[email.casefold()].add(who(row))
    return people


def test_the_same_seed_makes_the_same_set_and_another_one_another() -> None:
    first = [*synthesize(300, seed=1)]
    assert first == [*synthesize(300, seed=1)]
    assert sample_people(300, 1) == sample_people(300, 1)
    other = [*synthesize(300, seed=2)]
    assert not {row.phones for row in first if row.phones} & {row.phones for row in other}
    assert not {sample.identifier for sample in sample_people(300, 1)} & {sample.identifier for sample in sample_people(300, 2)}


def test_every_account_is_marked_numbered_and_in_one_piece(rows: list[SourceRow]) -> None:
    assert all(row.account_ref.startswith(SYNTHETIC_PREFIX) for row in rows)
    assert [row.line for row in rows] == [*range(1, len(rows) + 1)]
    assert [*dict.fromkeys(row.account_ref for row in rows)] == sorted({row.account_ref for row in rows})
    assert len({row.account_ref for row in rows}) == ACCOUNTS


def test_emails_stand_at_reserved_domains_and_belong_to_one_person_of_flesh(rows: list[SourceRow]) -> None:
    emails = by_email(rows)
    assert all(RESERVED.search(email) for email in emails)
    assert all(sum(not recipient for _, recipient in people) <= 1 for people in emails.values())
    assert any(not email.isascii() for email in emails)
    spelt = {email for row in rows for email in row.emails}
    assert any(email != email.casefold() for email in spelt)


def test_phones_are_mobiles_in_many_spellings_over_the_whole_space(rows: list[SourceRow]) -> None:
    spelt = [phone for row in rows for phone in row.phones]
    shapes = Counter(re.sub(r"[0-9]", "9", phone) for phone in spelt)
    assert {"999-9999-9999", "99999999999", "+99 99-9999-9999", "9999999999", "999.9999.9999"} <= set(shapes)
    assert any(unicodedata.normalize("NFKC", phone) != phone for phone in spelt)
    for phone in spelt:
        assert re.fullmatch(r"(0082|82)?(10|010)[0-9]{8}", re.sub(r"\D", "", unicodedata.normalize("NFKC", phone)))
    leading = Counter(number[0] for number in by_phone(rows))
    assert set(leading) == set("0123456789")
    assert max(leading.values()) < 1.2 * min(leading.values())


def test_every_value_has_a_canonical_form_and_every_spelling_of_a_phone_the_same(rows: list[SourceRow]) -> None:
    for row in islice(rows, 6_000):
        assert all(canonicalize("phone", phone) == f"+8210{digits(phone)}" for phone in row.phones)
        assert all(canonicalize("email", email) for email in row.emails)
        assert all(canonicalize("name", name) for name in row.names)
        assert all(canonicalize("address", address) for address in row.addresses)
    assert len({canonicalize("email", email) for email in ("a@한글.example", "A@XN--BJ0BJ06E.EXAMPLE")}) == 1


def test_no_two_places_of_the_permutation_share_a_phone() -> None:
    people = PersonGenerator(1_000, 3)
    places = [*range(50_000), *range(99_950_000, 100_000_000)]
    phones = {people.phone(place) for place in places}
    assert len(phones) == len(places)
    assert all(len(a) == len(b) == 4 for a, b in phones)


def test_names_have_the_real_frequencies(rows: list[SourceRow]) -> None:
    names = [unicodedata.normalize("NFC", row.names[0]) for row in rows if row.cohort == "profile-edit"]
    assert sum(name[0] in "김이박" for name in names) / len(names) == pytest.approx(0.446, abs=0.02)
    assert any(unicodedata.is_normalized("NFC", name) is False for row in rows for name in row.names)


def test_addresses_come_by_road_and_by_lot_and_in_both_forms(rows: list[SourceRow]) -> None:
    addresses = [address for row in rows for address in row.addresses]
    for form in (
        r"로 \d+, \d+동 \d+호 \(",
        r"동 \d+-\d+ ",
        r"^서울특별시 ",
        r"^서울시 ",
        r"^서울 ",
        r"\d번지",
        r"^\(\d{5}\) ",
    ):
        assert sum(bool(re.search(form, address)) for address in addresses) > 20, form
    assert any(len(row.addresses) == 2 for row in rows)


def test_the_cohorts_have_the_incident_s_proportions(rows: list[SourceRow]) -> None:
    cohorts = Counter(row.cohort for row in rows)
    assert cohorts["profile-edit"] == ACCOUNTS
    assert sum(row.count for row in rows if row.cohort == "address-list") / ACCOUNTS == pytest.approx(4.4, abs=0.4)
    assert 1 <= cohorts["address-edit"] < ACCOUNTS / 2_000
    assert cohorts["order-list"] / ACCOUNTS == pytest.approx(0.002, abs=0.001)
    assert cohorts["added-2026-02"] / ACCOUNTS == pytest.approx(0.005, abs=0.002)
    assert set(cohorts) == {"profile-edit", "address-list", "address-edit", "order-list", "added-2026-02"}
    items = {(row.cohort, row.items) for row in rows}
    assert {cohort: leaked for cohort, leaked in items if cohort != "address-list"} == {
        "profile-edit": ("name", "email"),
        "address-edit": ("name", "phone", "address", "door_code"),
        "order-list": ("order",),
        "added-2026-02": ("name", "phone", "address"),
    }


def test_identifiers_and_grades_per_account(rows: list[SourceRow]) -> None:
    sealed = sum(len(people) if len(people) <= 20 else 1 for people in by_phone(rows).values())
    sealed += sum(map(len, by_email(rows).values()))
    assert sealed / ACCOUNTS == pytest.approx(1.85, abs=0.06)
    grades = Counter(row.confidence for row in rows)
    assert 0.01 < grades["possible"] / len(rows) < 0.04
    assert 0 < grades["withdrawn"] / len(rows) < 0.006


def test_who_shares_a_phone(rows: list[SourceRow]) -> None:
    shared = by_phone(rows)
    holders = [sum(not recipient for _, recipient in people) for people in shared.values()]
    assert {2, 3, 4, 5} <= set(holders)
    assert max(holders) == 5
    books = [{account for account, recipient in people if recipient} for people in shared.values()]
    assert any(2 <= len(accounts) <= 8 for accounts in books)
    assert any(len(accounts) > 20 for accounts in books)  # a shop
    both = [people for people in shared.values() if len({account for account, _ in people}) == 2]
    assert any({bool(recipient) for _, recipient in people} == {True, False} for people in both)


def test_a_set_of_5_000_has_a_shop() -> None:
    assert max(map(len, by_phone([*synthesize(5_000)]).values())) > 20


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("accounts", [20, 21, 300, 6_000])
def test_the_samples_are_what_they_say(accounts: int, seed: int) -> None:
    rows = [*synthesize(accounts, seed=seed)]
    phones, emails = by_phone(rows), by_email(rows)
    plain, shopper, recipient, nobody = sample_people(accounts, seed)
    assert [sample.channel for sample in (plain, shopper, recipient, nobody)] == ["email", "sms", "sms", "sms"]
    assert all(sample.about and sample.name and sample.address for sample in (plain, shopper, recipient, nobody))

    (one,) = emails[plain.identifier]
    found = [row for row in rows if who(row) == one]
    assert one[1] == ""
    assert {item for row in found for item in row.items} == {"name", "email"}
    assert not any(row.phones or row.addresses for row in found)
    check(found, plain.name, None)

    (two,) = phones[digits(shopper.identifier)]
    found = [row for row in rows if who(row) == two]
    assert two[1] == ""
    assert {"phone", "address", "order"} <= {item for row in found for item in row.items}
    check(found, shopper.name, shopper.address)

    (three,) = phones[digits(recipient.identifier)]
    assert three[1]
    check([row for row in rows if who(row) == three], recipient.name, recipient.address)

    assert digits(nobody.identifier) not in phones
    for sample in (shopper, recipient, nobody):
        assert re.fullmatch(r"010-[0-9]{4}-[0-9]{4}", sample.identifier)


def check(found: list[SourceRow], name: str, address: str | None) -> None:
    assert {row.confidence for row in found} == {"confirmed"}
    assert name in {value for row in found for value in row.names}
    assert address is None or address in {value for row in found for value in row.addresses}


@pytest.mark.parametrize("seed", range(6))
def test_the_smallest_set_has_one_of_everything(seed: int) -> None:
    rows = [*synthesize(20, seed=seed)]
    assert {row.cohort for row in rows} == {
        "profile-edit", "address-list", "address-edit", "order-list", "added-2026-02"
    }  # fmt: skip
    grades: dict[Someone, set[str]] = defaultdict(set)
    for row in rows:
        if not row.recipient_ref:
            grades[who(row)].add(row.confidence)
    assert {"confirmed", "possible", "withdrawn"} <= {
        grade for one in grades.values() if len(one) == 1 for grade in one
    }
    assert any(len(people) > 1 for people in by_phone(rows).values())
    assert any(row.recipient_ref for row in rows)


@pytest.mark.parametrize("accounts", [1, 2, 12, 13, 19])
def test_fewer_accounts_make_a_set_without_samples(accounts: int) -> None:
    assert len({row.account_ref for row in synthesize(accounts)}) == accounts
    with pytest.raises(InvalidInput, match="from 20 to"):
        sample_people(accounts, 0)


@pytest.mark.parametrize("accounts", [-1, 0, MAX_ACCOUNTS + 1])
def test_a_size_that_cannot_be_made_is_refused_at_once(accounts: int) -> None:
    with pytest.raises(InvalidInput):
        synthesize(accounts)


def test_a_set_of_the_incident_s_size_starts_at_once_and_holds_nothing() -> None:
    rows = synthesize(33_700_000)
    first = [*islice(rows, 2_000)]
    tracemalloc.start()
    for _ in islice(rows, 20_000):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    # and the far end has room in the phone space
    people = PersonGenerator(MAX_ACCOUNTS, 0)
    assert len(people.non_customer(MAX_ACCOUNTS // 3).phone[0]) == 4
    assert first

"""The synthetic data set: reproducible by its seed, marked as synthetic, with reserved email domains and the incident's proportions."""

import re
import tracemalloc
import unicodedata
from collections import Counter, defaultdict
from itertools import islice

import pytest

from app.errors import InvalidInput
from app.identifiers import canonicalize
from app.source_files.schema import SourceRow
from app.synthetic import MAX_ACCOUNTS, SYNTHETIC_PREFIX, sample_people, synthesize
from app.synthetic.people import PersonGenerator

ACCOUNTS = 20_000
RESERVED = re.compile(r"@([a-z0-9가-힣-]+\.)*(example|example\.(com|org|net))$")
PersonKey = tuple[str, str]
"""account_ref and recipient_ref."""


@pytest.fixture(scope="module")
def rows() -> list[SourceRow]:
    return [*synthesize(ACCOUNTS, seed=7)]


def subscriber_digits(phone: str) -> str:
    """Return the eight digits after 010."""
    return re.sub(r"\D", "", unicodedata.normalize("NFKC", phone))[-8:]


def person_key(row: SourceRow) -> PersonKey:
    return row.account_ref, row.recipient_ref


def people_by_phone(rows: list[SourceRow]) -> dict[str, set[PersonKey]]:
    people: dict[str, set[PersonKey]] = defaultdict(set)
    for row in rows:
        for phone in row.phones:
            people[subscriber_digits(phone)].add(person_key(row))
    return people


def people_by_email(rows: list[SourceRow]) -> dict[str, set[PersonKey]]:
    people: dict[str, set[PersonKey]] = defaultdict(set)
    for row in rows:
        for email in row.emails:
            people[email.casefold()].add(person_key(row))
    return people


def test_data_set_depends_only_on_the_seed() -> None:
    first = [*synthesize(300, seed=1)]
    assert first == [*synthesize(300, seed=1)]
    assert sample_people(300, 1) == sample_people(300, 1)
    other = [*synthesize(300, seed=2)]
    assert not {row.phones for row in first if row.phones} & {row.phones for row in other}
    assert not {sample.identifier for sample in sample_people(300, 1)} & {
        sample.identifier for sample in sample_people(300, 2)
    }


def test_accounts_are_marked_numbered_and_contiguous(rows: list[SourceRow]) -> None:
    assert all(row.account_ref.startswith(SYNTHETIC_PREFIX) for row in rows)
    assert [row.line for row in rows] == [*range(1, len(rows) + 1)]
    assert [*dict.fromkeys(row.account_ref for row in rows)] == sorted({row.account_ref for row in rows})
    assert len({row.account_ref for row in rows}) == ACCOUNTS


def test_emails_have_reserved_domains_and_one_holder(rows: list[SourceRow]) -> None:
    emails = people_by_email(rows)
    assert all(RESERVED.search(email) for email in emails)
    assert all(sum(not recipient for _, recipient in people) <= 1 for people in emails.values())
    assert any(not email.isascii() for email in emails)
    spellings = {email for row in rows for email in row.emails}
    assert any(email != email.casefold() for email in spellings)


def test_phones_are_mobiles_in_many_spellings_across_the_number_space(rows: list[SourceRow]) -> None:
    spellings = [phone for row in rows for phone in row.phones]
    shapes = Counter(re.sub(r"[0-9]", "9", phone) for phone in spellings)
    assert {"999-9999-9999", "99999999999", "+99 99-9999-9999", "9999999999", "999.9999.9999"} <= set(shapes)
    assert any(unicodedata.normalize("NFKC", phone) != phone for phone in spellings)
    for phone in spellings:
        assert re.fullmatch(r"(0082|82)?(10|010)[0-9]{8}", re.sub(r"\D", "", unicodedata.normalize("NFKC", phone)))
    leading = Counter(number[0] for number in people_by_phone(rows))
    assert set(leading) == set("0123456789")
    assert max(leading.values()) < 1.2 * min(leading.values())


def test_every_value_has_a_canonical_form_independent_of_its_spelling(rows: list[SourceRow]) -> None:
    for row in islice(rows, 6_000):
        assert all(canonicalize("phone", phone) == f"+8210{subscriber_digits(phone)}" for phone in row.phones)
        assert all(canonicalize("email", email) for email in row.emails)
        assert all(canonicalize("name", name) for name in row.names)
        assert all(canonicalize("address", address) for address in row.addresses)
    assert len({canonicalize("email", email) for email in ("a@한글.example", "A@XN--BJ0BJ06E.EXAMPLE")}) == 1


def test_phone_permutation_has_no_collision() -> None:
    people = PersonGenerator(1_000, 3)
    indexes = [*range(50_000), *range(99_950_000, 100_000_000)]
    phones = {people.phone_number(index) for index in indexes}
    assert len(phones) == len(indexes)
    assert all(len(a) == len(b) == 4 for a, b in phones)


def test_family_names_have_real_frequencies(rows: list[SourceRow]) -> None:
    names = [unicodedata.normalize("NFC", row.names[0]) for row in rows if row.cohort == "profile-edit"]
    assert sum(name[0] in "김이박" for name in names) / len(names) == pytest.approx(0.446, abs=0.02)
    assert any(unicodedata.is_normalized("NFC", name) is False for row in rows for name in row.names)


def test_addresses_have_road_and_lot_number_forms(rows: list[SourceRow]) -> None:
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


def test_cohorts_have_the_proportions_of_the_incident(rows: list[SourceRow]) -> None:
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


def test_identifiers_per_account_and_confidence_shares(rows: list[SourceRow]) -> None:
    sealed = sum(len(people) if len(people) <= 20 else 1 for people in people_by_phone(rows).values())
    sealed += sum(map(len, people_by_email(rows).values()))
    assert sealed / ACCOUNTS == pytest.approx(1.85, abs=0.06)
    grades = Counter(row.confidence for row in rows)
    assert 0.01 < grades["possible"] / len(rows) < 0.04
    assert 0 < grades["withdrawn"] / len(rows) < 0.006


def test_families_address_books_and_shops_share_phones(rows: list[SourceRow]) -> None:
    shared = people_by_phone(rows)
    holders = [sum(not recipient for _, recipient in people) for people in shared.values()]
    assert {2, 3, 4, 5} <= set(holders)
    assert max(holders) == 5
    books = [{account for account, recipient in people if recipient} for people in shared.values()]
    assert any(2 <= len(accounts) <= 8 for accounts in books)
    assert any(len(accounts) > 20 for accounts in books)  # a shop
    both = [people for people in shared.values() if len({account for account, _ in people}) == 2]
    assert any({bool(recipient) for _, recipient in people} == {True, False} for people in both)


def test_5_000_accounts_include_a_shop() -> None:
    assert max(map(len, people_by_phone([*synthesize(5_000)]).values())) > 20


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("accounts", [20, 21, 300, 6_000])
def test_sample_people_match_their_description(accounts: int, seed: int) -> None:
    rows = [*synthesize(accounts, seed=seed)]
    phones, emails = people_by_phone(rows), people_by_email(rows)
    plain, shopper, recipient, unaffected = sample_people(accounts, seed)
    assert [sample.channel for sample in (plain, shopper, recipient, unaffected)] == ["email", "sms", "sms", "sms"]
    assert all(sample.about and sample.name and sample.address for sample in (plain, shopper, recipient, unaffected))

    (plain_key,) = emails[plain.identifier]
    found = [row for row in rows if person_key(row) == plain_key]
    assert plain_key[1] == ""
    assert {item for row in found for item in row.items} == {"name", "email"}
    assert not any(row.phones or row.addresses for row in found)
    assert_named(found, plain.name, None)

    (shopper_key,) = phones[subscriber_digits(shopper.identifier)]
    found = [row for row in rows if person_key(row) == shopper_key]
    assert shopper_key[1] == ""
    assert {"phone", "address", "order"} <= {item for row in found for item in row.items}
    assert_named(found, shopper.name, shopper.address)

    (recipient_key,) = phones[subscriber_digits(recipient.identifier)]
    assert recipient_key[1]
    assert_named([row for row in rows if person_key(row) == recipient_key], recipient.name, recipient.address)

    assert subscriber_digits(unaffected.identifier) not in phones
    for sample in (shopper, recipient, unaffected):
        assert re.fullmatch(r"010-[0-9]{4}-[0-9]{4}", sample.identifier)


def assert_named(rows: list[SourceRow], name: str, address: str | None) -> None:
    assert {row.confidence for row in rows} == {"confirmed"}
    assert name in {value for row in rows for value in row.names}
    assert address is None or address in {value for row in rows for value in row.addresses}


@pytest.mark.parametrize("seed", range(6))
def test_smallest_data_set_has_every_case(seed: int) -> None:
    rows = [*synthesize(20, seed=seed)]
    assert {row.cohort for row in rows} == {
        "profile-edit", "address-list", "address-edit", "order-list", "added-2026-02"
    }  # fmt: skip
    grades: dict[PersonKey, set[str]] = defaultdict(set)
    for row in rows:
        if not row.recipient_ref:
            grades[person_key(row)].add(row.confidence)
    assert {"confirmed", "possible", "withdrawn"} <= {
        grade for of_person in grades.values() if len(of_person) == 1 for grade in of_person
    }
    assert any(len(people) > 1 for people in people_by_phone(rows).values())
    assert any(row.recipient_ref for row in rows)


@pytest.mark.parametrize("accounts", [1, 2, 12, 13, 19])
def test_sample_people_need_20_accounts(accounts: int) -> None:
    assert len({row.account_ref for row in synthesize(accounts)}) == accounts
    with pytest.raises(InvalidInput, match="from 20 to"):
        sample_people(accounts, 0)


@pytest.mark.parametrize("accounts", [-1, 0, MAX_ACCOUNTS + 1])
def test_invalid_account_count_is_refused_immediately(accounts: int) -> None:
    with pytest.raises(InvalidInput):
        synthesize(accounts)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_account_count() -> None:
    rows = synthesize(33_700_000)
    first = [*islice(rows, 2_000)]
    tracemalloc.start()
    for _ in islice(rows, 20_000):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    # the largest data set fits into the phone space
    people = PersonGenerator(MAX_ACCOUNTS, 0)
    assert len(people.non_customer(MAX_ACCOUNTS // 3).phone[0]) == 4
    assert first

"""The multiset hash of rows: a lost, changed, moved or added row changes it, or cannot be decrypted."""

import random

from hypothesis import given
from hypothesis import strategies as st

from app.crypto.keys import StoreKey
from app.datasets.manifest import RowMultisetHash, StoredRow
from tests.crypto.helpers import flip_bits
from tests.datasets.manifest_rows import (
    SEALER,
    STORE_KEY,
    arbitrary_rows,
    can_open,
    hash_rows,
    make_manifest,
    nonempty_rows,
    seal_row,
    sealed_rows,
    sorted_tags,
)

MODULUS = 2**128


def hash_tags(tags: list[int]) -> RowMultisetHash:
    return hash_rows([(bytes(16), 0, tag.to_bytes(16, "big")) for tag in tags])


@given(arbitrary_rows, st.randoms(use_true_random=False))
def test_hash_does_not_depend_on_row_order(rows: list[StoredRow], rng: random.Random) -> None:
    shuffled = rows.copy()
    rng.shuffle(shuffled)
    assert make_manifest(shuffled) == make_manifest(rows)
    assert make_manifest(rows).matches_rows(hash_rows(shuffled))
    assert hash_rows(rows).total == hash_rows(shuffled).total


@given(arbitrary_rows)
def test_rows_added_singly_or_in_bulk_hash_alike(rows: list[StoredRow]) -> None:
    single = RowMultisetHash(STORE_KEY)
    single.add([])
    for _, _, sealed in rows:
        single.add([sealed])
    assert (single.count, single.total) == (hash_rows(rows).count, hash_rows(rows).total)
    assert single.count == len(rows)


@given(st.lists(arbitrary_rows, max_size=5))
def test_merged_parts_equal_the_whole(parts: list[list[StoredRow]]) -> None:
    """The worker processes of an import hash their rows separately."""
    whole = hash_rows([row for part in parts for row in part])
    merged = RowMultisetHash(STORE_KEY)
    for part in map(hash_rows, parts):
        merged.merge(part.count, part.total)
    assert (merged.count, merged.total) == (whole.count, whole.total)


@given(st.lists(st.integers(0, MODULUS - 1), max_size=6))
def test_total_stays_below_the_modulus(totals: list[int]) -> None:
    row_hash = RowMultisetHash(STORE_KEY)
    for total in (*totals, MODULUS - 1, 1):
        row_hash.merge(1, total)
        assert 0 <= row_hash.total < MODULUS
    assert row_hash.total == sum(totals) % MODULUS
    assert row_hash.count == len(totals) + 2


@given(arbitrary_rows, arbitrary_rows)
def test_hashes_are_equal_only_for_equal_tags(rows: list[StoredRow], others: list[StoredRow]) -> None:
    first, second = hash_rows(rows), hash_rows(others)
    assert ((first.count, first.total) == (second.count, second.total)) == (sorted_tags(rows) == sorted_tags(others))
    assert 0 <= first.total < MODULUS


@given(nonempty_rows, st.integers(0, 100), st.integers(0, 127))
def test_a_changed_tag_changes_the_hash(rows: list[StoredRow], index: int, bit: int) -> None:
    locator, entry, sealed = rows[index := index % len(rows)]
    tag = (int.from_bytes(sealed[-16:], "big") ^ 1 << bit).to_bytes(16, "big")
    changed = (locator, entry, sealed[:-16] + tag)
    assert not make_manifest(rows).matches_rows(hash_rows([*rows[:index], changed, *rows[index + 1 :]]))


@given(sealed_rows, st.integers(0, 100), st.integers(1, 255), st.integers(0, 200))
def test_a_changed_row_cannot_be_decrypted(rows: list[StoredRow], index: int, delta: int, offset: int) -> None:
    """The hash covers only the tags; decryption verifies everything else. The integrity check therefore decrypts each row."""
    locator, entry, sealed = rows[index % len(rows)]
    assert can_open((locator, entry, sealed))
    for changed in (
        (flip_bits(locator, offset, delta), entry, sealed),
        (locator, entry ^ delta, sealed),
        (locator, entry, flip_bits(sealed, offset, delta)),
        (locator, entry, sealed + b"\0"),
        (locator, entry, b"\0" + sealed),
        (locator, entry, sealed[1:]),
        (locator + locator, entry, sealed),
    ):
        assert not can_open(changed)


@given(sealed_rows.filter(lambda rows: len(rows) > 1))
def test_swapped_rows_cannot_be_decrypted(rows: list[StoredRow]) -> None:
    """Their hash is unchanged, so only decryption detects the swap."""
    (locator, entry, sealed), (other_locator, other_entry, other_sealed), *_ = rows
    swapped = [(locator, entry, other_sealed), (other_locator, other_entry, sealed)]
    assert hash_rows(swapped).total == hash_rows(rows[:2]).total
    assert not any(map(can_open, swapped))


@given(sealed_rows, st.binary(max_size=40))
def test_an_older_row_decrypts_but_changes_the_hash(rows: list[StoredRow], content: bytes) -> None:
    """An older row with the same key and position is valid by itself; only the manifest reveals it."""
    stored_locator, entry, sealed = rows[0]
    older = seal_row(SEALER.decrypt_locators(stored_locator), entry, content)
    assert can_open(older)
    assert make_manifest(rows).matches_rows(hash_rows([older, *rows[1:]])) == (older[2] == sealed)


@given(nonempty_rows)
def test_a_lost_or_added_row_does_not_match(rows: list[StoredRow]) -> None:
    manifest = make_manifest(rows)
    assert manifest.matches_rows(hash_rows(rows))
    assert not manifest.matches_rows(hash_rows(rows[1:]))
    assert not manifest.matches_rows(hash_rows([*rows, rows[0]]))
    assert not manifest.matches_rows(hash_rows([*rows[1:], (bytes(16), 0, b"made up, and long enough")]))
    assert not manifest.matches_rows(RowMultisetHash(STORE_KEY))


@given(nonempty_rows)
def test_count_and_total_must_both_match(rows: list[StoredRow]) -> None:
    manifest = make_manifest(rows)
    row_hash = hash_rows(rows)
    row_hash.merge(1, 0)
    assert not manifest.matches_rows(row_hash)
    row_hash.merge(-1, 0)
    assert manifest.matches_rows(row_hash)
    row_hash.merge(0, 1)
    assert not manifest.matches_rows(row_hash)


@given(nonempty_rows)
def test_hash_depends_on_the_store_key(rows: list[StoredRow]) -> None:
    assert not make_manifest(rows).matches_rows(hash_rows(rows, StoreKey(bytes(32))))


def test_equal_rows_do_not_cancel_out() -> None:
    """They would cancel out under XOR."""
    row = (bytes(16), 0, b"a sealed row's bytes")
    assert hash_rows([row, row]).total != hash_rows([]).total
    assert hash_rows([]).total == 0


@given(st.lists(st.integers(0, MODULUS - 1), min_size=2, max_size=2, unique=True), st.integers(1, MODULUS - 1))
def test_hash_sums_secret_numbers_instead_of_tags(tags: list[int], delta: int) -> None:
    """An attacker with only the database cannot compensate a change of one tag by a change of another."""
    first, second = tags
    shifted = [(first + delta) % MODULUS, (second - delta) % MODULUS]
    before, after = hash_tags(tags), hash_tags(shifted)
    assert (before.total == after.total) == (sorted(tags) == sorted(shifted))
    assert before.total != (first + second) % MODULUS
    crossed = [first & ~1 | second & 1, second & ~1 | first & 1]  # same sum and same XOR
    assert (before.total == hash_tags(crossed).total) == (sorted(tags) == sorted(crossed))

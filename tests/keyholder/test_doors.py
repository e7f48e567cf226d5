"""What each door of a real keyholder admits."""

import hmac
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto import messages
from app.crypto.framing import frame
from app.keyholder import IMPORT_SUFFIX, Door, Keyholder, KeyholderUnavailable, import_path, start_child
from app.keyholder.doors import DONE, REFUSED, REQUEST_LIMIT, parse
from tests.keyholder.kit import OTHER_PEPPER, PATIENCE, PEPPER, new_pepper

DATASET = UUID(int=1)
IDENTIFIER = messages.identifier("email", "gildong@example.com")
VALUE = messages.value("name", "홍길동")
SENTINEL = messages.sentinel(DATASET)
SUBJECT = messages.subject("sample", "A-1", "")
GARBAGE = [
    b"",
    b"\0",
    b"\xff\xff",
    b"gildong@example.com",
    frame(b""),
    frame(b"exposure-lookup/1 pepper", b"x"),
    frame(b"exposure-lookup/2 identifier", b"email", b"a@b.kr"),
    frame(b"exposure-lookup/1 Identifier", b"email", b"a@b.kr"),
    frame(b"exposure-lookup/1 identifier ", b"email", b"a@b.kr"),
    frame(b"email", messages.IDENTIFIER),
    messages.IDENTIFIER,
    IDENTIFIER + b"\0",
    IDENTIFIER[:-1],
]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Lookup door of a keyholder with a known pepper."""
    pepper = new_pepper(tmp_path_factory.mktemp("pepper") / "pepper.key")
    with start_child(pepper, Door.LOOKUP, Door.IMPORT) as path:
        yield path


@pytest.fixture(scope="module")
def lookup(door: Path) -> Iterator[Keyholder]:
    with Keyholder(door, timeout=PATIENCE) as keyholder:
        yield keyholder


@pytest.fixture(scope="module")
def importing(door: Path) -> Iterator[Keyholder]:
    with Keyholder(import_path(door), timeout=PATIENCE) as keyholder:
        yield keyholder


def hmac_of(message: bytes) -> bytes:
    return hmac.new(PEPPER, message, "sha256").digest()


@pytest.mark.parametrize("message", [IDENTIFIER, VALUE, SENTINEL])
def test_both_doors_answer_hmacs(lookup: Keyholder, importing: Keyholder, message: bytes) -> None:
    assert lookup.mac(message) == importing.mac(message) == hmac_of(message)


@given(st.text(max_size=100), st.text(max_size=100))
def test_every_answer_is_the_hmac_under_the_pepper(lookup: Keyholder, kind: str, canonical: str) -> None:
    message = frame(messages.VALUE, kind.encode(errors="replace"), canonical.encode(errors="replace"))
    assert lookup.mac(message) == hmac_of(message)


def test_only_the_import_door_answers_a_subject(lookup: Keyholder, importing: Keyholder) -> None:
    assert importing.mac(SUBJECT) == hmac_of(SUBJECT)
    with pytest.raises(KeyholderUnavailable, match="refuses"):
        lookup.mac(SUBJECT)


def test_only_the_import_door_takes_batches(lookup: Keyholder, importing: Keyholder) -> None:
    batch = [IDENTIFIER, VALUE, SUBJECT, SENTINEL, IDENTIFIER]
    assert importing.macs(batch) == list(map(hmac_of, batch))
    for asked in ([IDENTIFIER, VALUE], [IDENTIFIER, IDENTIFIER]):
        with pytest.raises(KeyholderUnavailable, match="refuses"):
            lookup.macs(asked)
    assert lookup.macs([IDENTIFIER]) == [hmac_of(IDENTIFIER)]


@pytest.mark.parametrize("message", GARBAGE)
def test_neither_door_answers_anything_else(lookup: Keyholder, importing: Keyholder, message: bytes) -> None:
    for keyholder in (lookup, importing):
        with pytest.raises(KeyholderUnavailable):
            keyholder.mac(message)
    with pytest.raises(KeyholderUnavailable):
        importing.macs([IDENTIFIER, message, IDENTIFIER])


def test_a_refusal_keeps_the_connection(lookup: Keyholder) -> None:
    number = lookup.connection()
    with pytest.raises(KeyholderUnavailable):
        lookup.mac(SUBJECT)
    assert lookup.mac(VALUE) == hmac_of(VALUE)
    assert lookup.connection() == number


def test_nothing_asked_is_nothing_answered(lookup: Keyholder, importing: Keyholder) -> None:
    assert lookup.macs([]) == importing.macs([]) == []


def test_batches_longer_than_a_request(importing: Keyholder) -> None:
    """By their number (an answer is a limit's half at most), and by their bytes."""
    many = [messages.value("name", str(number)) for number in range(REQUEST_LIMIT // 64 + 5)]
    assert importing.macs(many) == list(map(hmac_of, many))
    long = [messages.value("address", f"{number}" + "x" * 65_000) for number in range(40)]
    assert sum(map(len, long)) > 2 * REQUEST_LIMIT
    assert importing.macs(long) == list(map(hmac_of, long))


@given(st.lists(st.binary(max_size=40), max_size=3))
def test_a_door_decides_by_label_and_number(parts: list[bytes]) -> None:
    message = frame(*parts)
    known = bool(parts) and parts[0] in (messages.IDENTIFIER, messages.VALUE)
    assert Door.LOOKUP.admits([message]) == known
    assert Door.IMPORT.admits([message, IDENTIFIER]) == (known or parts[:1] == [messages.SUBJECT])
    assert not Door.LOOKUP.admits([message, IDENTIFIER])


@pytest.mark.parametrize("door_", list(Door))
def test_an_empty_request_asks_whether_somebody_is_there(door_: Door) -> None:
    assert parse(b"") == []
    assert door_.admits([])
    assert parse(b"\xff") is None
    assert not door_.admits([b"\xff"])


def test_the_sockets_are_their_owners(door: Path) -> None:
    assert import_path(door) == door.with_name(door.name + IMPORT_SUFFIX)
    for path in (door, import_path(door)):
        assert path.is_socket()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(door.parent.stat().st_mode) == 0o700


def test_a_door_that_was_not_opened_is_not_there(tmp_path: Path) -> None:
    with start_child(new_pepper(tmp_path / "pepper.key"), Door.LOOKUP) as path:
        assert not import_path(path).exists()
        with Keyholder(import_path(path)) as keyholder, pytest.raises(KeyholderUnavailable, match="cannot be reached"):
            keyholder.mac(SUBJECT)
        with Keyholder(path, timeout=PATIENCE) as keyholder:
            assert keyholder.mac(VALUE) == hmac_of(VALUE)


def test_another_pepper_answers_otherwise(tmp_path: Path) -> None:
    pepper = new_pepper(tmp_path / "pepper.key", OTHER_PEPPER)
    with start_child(pepper, Door.LOOKUP) as path, Keyholder(path, timeout=PATIENCE) as keyholder:
        assert keyholder.mac(VALUE) == hmac.digest(OTHER_PEPPER, VALUE, "sha256") != hmac_of(VALUE)


def test_the_two_statuses_differ() -> None:
    assert len({DONE, REFUSED}) == 2

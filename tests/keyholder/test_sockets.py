"""What each door of a real keyholder admits."""

import hmac
import socket
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.crypto import mac_inputs
from app.crypto.framing import FramingError, frame
from app.keyholder import IMPORT_SOCKET_SUFFIX, KeyholderSocket, KeyholderClient, KeyholderUnavailable, client, import_socket_path, spawn_keyholder
from app.keyholder.client import TEXTS_AT_ONCE
from app.keyholder.protocol import DONE, REFUSED, REQUEST_LIMIT, parse, receive, send
from tests.keyholder.helpers import OTHER_PEPPER, PATIENCE, PEPPER, write_pepper_file

DATASET = UUID(int=1)
EMAILS, NAMES = mac_inputs.identifier_prefix("email"), mac_inputs.value_prefix("name")
SUBJECTS = mac_inputs.subject_prefix("sample")
IDENTIFIER = mac_inputs.identifier_input("email", "gildong@example.com")
VALUE = mac_inputs.value_input("name", "홍길동")
SENTINEL = mac_inputs.sentinel_input(DATASET)
SUBJECT = mac_inputs.subject_input("sample", "A-1", "")
LACKING = [
    pytest.param(mac_inputs.IDENTIFIER_LABEL, id="a label that is not framed"),
    pytest.param(frame(mac_inputs.IDENTIFIER_LABEL), id="a label alone"),
    pytest.param(frame(mac_inputs.IDENTIFIER_LABEL, b"email"), id="a heading alone"),
    pytest.param(frame(mac_inputs.VALUE_LABEL, b""), id="a heading about nothing alone"),
    pytest.param(frame(mac_inputs.SUBJECT_LABEL, b"sample"), id="a subject's heading alone"),
    pytest.param(frame(b"email", b"a@b.kr"), id="no label"),
    pytest.param(frame(b""), id="an empty part"),
    pytest.param(frame(b"", b"", b""), id="empty parts"),
]
"""The heading lacks a part, or there is no text."""
GARBAGE = [
    b"\0",
    b"\xff\xff",
    b"gildong@example.com",
    frame(b"exposure-lookup/1 pepper", b"x", b"y"),
    frame(b"exposure-lookup/2 identifier", b"email", b"a@b.kr"),
    frame(b"exposure-lookup/1 Identifier", b"email", b"a@b.kr"),
    frame(b"exposure-lookup/1 identifier ", b"email", b"a@b.kr"),
    frame(b"exposure-lookup/1 identifie", b"r", b"email", b"a@b.kr"),
    frame(b"", mac_inputs.IDENTIFIER_LABEL, b"email", b"a@b.kr"),
    frame(b"email", mac_inputs.IDENTIFIER_LABEL, b"a@b.kr"),
    frame(frame(mac_inputs.IDENTIFIER_LABEL), b"email", b"a@b.kr"),
    frame(IDENTIFIER),
    IDENTIFIER + b"\0",
    IDENTIFIER[:-1],
]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Lookup door of a keyholder with a known pepper."""
    pepper = write_pepper_file(tmp_path_factory.mktemp("pepper") / "pepper.key")
    with spawn_keyholder(pepper, KeyholderSocket.LOOKUP, KeyholderSocket.IMPORT) as path:
        yield path


@pytest.fixture(scope="module")
def lookup(door: Path) -> Iterator[KeyholderClient]:
    with KeyholderClient(door, timeout=PATIENCE) as keyholder:
        yield keyholder


@pytest.fixture(scope="module")
def importing(door: Path) -> Iterator[KeyholderClient]:
    with KeyholderClient(import_socket_path(door), timeout=PATIENCE) as keyholder:
        yield keyholder


def hmac_of(message: bytes) -> bytes:
    return hmac.new(PEPPER, message, "sha256").digest()


def hmacs_of(heading: bytes, texts: Sequence[bytes]) -> bytes:
    return b"".join([hmac_of(heading + frame(text)) for text in texts])


@pytest.mark.parametrize("message", [IDENTIFIER, VALUE, SENTINEL, mac_inputs.kdf_params_input(bytes(16))])
def test_both_doors_answer_hmacs(lookup: KeyholderClient, importing: KeyholderClient, message: bytes) -> None:
    assert lookup.mac(message) == importing.mac(message) == hmac_of(message)


@given(st.text(max_size=100), st.text(max_size=100))
def test_every_answer_is_the_hmac_under_the_pepper(lookup: KeyholderClient, kind: str, canonical: str) -> None:
    message = frame(mac_inputs.VALUE_LABEL, kind.encode(errors="replace"), canonical.encode(errors="replace"))
    assert lookup.mac(message) == hmac_of(message)


headings = st.builds(
    frame, st.sampled_from([mac_inputs.IDENTIFIER_LABEL, mac_inputs.VALUE_LABEL, mac_inputs.SUBJECT_LABEL]), st.binary(max_size=20)
)
some_texts = st.lists(st.binary(max_size=80), max_size=20)


@given(headings, some_texts)
@example(EMAILS, [b"", b"", b"\0", b"\0\0", b"\0\1a"])
def test_many_texts_under_one_heading_are_answered_as_each_alone(
    importing: KeyholderClient, heading: bytes, texts: list[bytes]
) -> None:
    answers = importing.macs(heading, texts)
    assert answers == hmacs_of(heading, texts)
    assert answers == b"".join([importing.mac(heading + frame(text)) for text in texts])


def test_the_heading_keeps_the_same_text_apart(importing: KeyholderClient) -> None:
    every = [EMAILS, mac_inputs.identifier_prefix("phone"), NAMES, mac_inputs.value_prefix("email"), SUBJECTS]
    answers = [importing.macs(heading, [b"same", b"other"]) for heading in every]
    assert len({both[at : at + mac_inputs.MAC_BYTES] for both in answers for at in (0, mac_inputs.MAC_BYTES)}) == 10


def test_only_the_import_door_answers_a_subject(lookup: KeyholderClient, importing: KeyholderClient) -> None:
    assert importing.mac(SUBJECT) == hmac_of(SUBJECT)
    assert importing.macs(SUBJECTS, [b"A-1\0"]) == hmac_of(SUBJECT)
    for ask in (lambda: lookup.mac(SUBJECT), lambda: lookup.macs(SUBJECTS, [b"A-1\0"])):
        with pytest.raises(KeyholderUnavailable, match="refuses"):
            ask()


@pytest.mark.parametrize("heading", [EMAILS, NAMES, SUBJECTS])
def test_only_the_import_door_takes_batches(lookup: KeyholderClient, importing: KeyholderClient, heading: bytes) -> None:
    for batch in ([b"one", b"other"], [b"same", b"same"], [b"", b""]):
        assert importing.macs(heading, batch) == hmacs_of(heading, batch)
        with pytest.raises(KeyholderUnavailable, match="refuses"):
            lookup.macs(heading, batch)
        with pytest.raises(KeyholderUnavailable, match="refuses"):
            lookup.mac(heading + frame(*batch))
    if heading != SUBJECTS:
        assert lookup.macs(heading, [b"one"]) == hmacs_of(heading, [b"one"])


@pytest.mark.parametrize("message", LACKING + GARBAGE)
def test_neither_door_answers_anything_else(
    door: Path, lookup: KeyholderClient, importing: KeyholderClient, message: bytes
) -> None:
    for path, keyholder in ((door, lookup), (import_socket_path(door), importing)):
        with pytest.raises(KeyholderUnavailable, match="refuses"):
            keyholder.mac(message)
        assert said(path, message) == REFUSED
    assert parse(message) is None or not KeyholderSocket.IMPORT.admits(parse(message))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "heading", [b"", b"\xff\xff", b"\0", frame(mac_inputs.IDENTIFIER_LABEL), frame(b"email"), frame(b"", b"")]
)
@pytest.mark.parametrize("texts", [[b"a@b.kr"], [b"email", b"a@b.kr"], [mac_inputs.IDENTIFIER_LABEL, b"email", b"a@b.kr"]])
def test_texts_are_not_taken_for_the_heading_they_lack(
    lookup: KeyholderClient, importing: KeyholderClient, heading: bytes, texts: list[bytes]
) -> None:
    """Where they make a heading with what is there, there are fewer answers than texts, and none of them is given."""
    for keyholder in (lookup, importing):
        with pytest.raises(KeyholderUnavailable, match="refuses"):
            keyholder.mac_many(heading, texts)


@pytest.mark.parametrize("texts", [[b"a@b.kr"], [b"a@b.kr", b"b@b.kr"]])
def test_nor_a_text_that_stands_in_the_heading_for_an_answer(importing: KeyholderClient, texts: list[bytes]) -> None:
    with pytest.raises(KeyholderUnavailable, match="refuses"):
        importing.macs(EMAILS + frame(b"another's"), texts)
    assert importing.macs(EMAILS, texts) == hmacs_of(EMAILS, texts)


def test_one_message_has_one_answer(importing: KeyholderClient) -> None:
    for several in (IDENTIFIER + frame(b"more"), IDENTIFIER + IDENTIFIER, EMAILS + frame(*[b"a"] * 100)):
        with pytest.raises(KeyholderUnavailable, match="refuses"):
            importing.mac(several)
    with pytest.raises(KeyholderUnavailable, match="refuses"):
        importing.mac(b"")
    assert importing.mac(IDENTIFIER) == hmac_of(IDENTIFIER)


def test_a_refusal_keeps_the_connection(lookup: KeyholderClient) -> None:
    number = lookup.connection()
    with pytest.raises(KeyholderUnavailable):
        lookup.mac(SUBJECT)
    assert lookup.mac(VALUE) == hmac_of(VALUE)
    assert lookup.connection() == number


def test_nothing_asked_is_nothing_answered(lookup: KeyholderClient, importing: KeyholderClient) -> None:
    assert lookup.macs(EMAILS, []) == importing.macs(SUBJECTS, []) == b""


LONGEST = b"x" * 65_535
FIRST = REQUEST_LIMIT - len(NAMES) - 15 * (len(LONGEST) + 2) - 2
"""Bytes of one text that fills a request with fifteen of the longest."""


@pytest.mark.parametrize(
    ("texts", "requests"),
    [
        pytest.param([b"%d" % number for number in range(2 * TEXTS_AT_ONCE + 5)], 3, id="by their number"),
        pytest.param([b"%d" % number for number in range(TEXTS_AT_ONCE)], 1, id="just as many"),
        pytest.param([b"%d" % number for number in range(TEXTS_AT_ONCE + 1)], 2, id="one more"),
        pytest.param([LONGEST], 1, id="the longest text"),
        pytest.param([LONGEST[:-5] + b"%5d" % number for number in range(40)], 4, id="by their bytes"),
        pytest.param([b"%d" % number + b"y" * 150 for number in range(TEXTS_AT_ONCE)], 2, id="by both"),
        pytest.param([b"z" * FIRST, *[LONGEST] * 15], 1, id="just as long"),
        pytest.param([b"z" * (FIRST + 1), *[LONGEST] * 15], 2, id="one byte more"),
        pytest.param([b""] * 300 + [LONGEST] * 17 + [b""] * 300, 2, id="long ones in the middle"),
    ],
)
def test_batches_longer_than_a_request(
    importing: KeyholderClient, monkeypatch: pytest.MonkeyPatch, texts: list[bytes], requests: int
) -> None:
    sent: list[int] = []

    def counted(connection: socket.socket, payload: bytes) -> None:
        sent.append(len(payload))
        send(connection, payload)

    monkeypatch.setattr(client, "send", counted)
    number = importing.connection()
    sent.clear()
    assert importing.macs(NAMES, texts) == hmacs_of(NAMES, texts)
    assert importing.connection() == number  # and nothing of it was too long for the other side
    assert len(sent) == requests
    assert max(sent) <= REQUEST_LIMIT
    assert sum(sent) == requests * len(NAMES) + len(frame(*texts))


@given(st.lists(st.integers(0, 65_535), max_size=40))
def test_every_text_is_in_one_request_in_its_order(lengths: list[int]) -> None:
    texts = [number.to_bytes(2, "big") * (length // 2) for number, length in enumerate(lengths)]
    batches = list(client._batches(texts, 100_000))
    assert b"".join(batch for batch, _ in batches) == frame(*texts)
    assert sum(count for _, count in batches) == len(texts)
    assert all(len(batch) <= 100_000 for batch, _ in batches)
    assert all(count for _, count in batches)


def test_a_text_that_is_too_long_is_not_asked(importing: KeyholderClient) -> None:
    with pytest.raises(FramingError):
        importing.macs(NAMES, [b"short", LONGEST + b"x"])
    assert importing.mac(VALUE) == hmac_of(VALUE)


@given(
    st.lists(
        st.sampled_from([mac_inputs.IDENTIFIER_LABEL, mac_inputs.VALUE_LABEL, mac_inputs.SUBJECT_LABEL]) | st.binary(max_size=40), max_size=5
    )
)
def test_a_door_decides_by_label_and_number(parts: list[bytes]) -> None:
    asked = parse(frame(*parts))
    if len(parts) < 3:
        assert asked is None
        return
    assert asked is not None
    assert (asked.label, asked.heading) == (parts[0], frame(*parts[:2]))
    assert asked.texts == [frame(part) for part in parts[2:]]
    assert asked.heading + b"".join(asked.texts) == frame(*parts)
    known = parts[0] in (mac_inputs.IDENTIFIER_LABEL, mac_inputs.VALUE_LABEL)
    assert KeyholderSocket.LOOKUP.admits(asked) == (known and len(parts) == 3)
    assert KeyholderSocket.IMPORT.admits(asked) == (known or parts[0] == mac_inputs.SUBJECT_LABEL)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_none(payload: bytes) -> None:
    asked = parse(payload)
    if asked is not None:
        assert asked.heading + b"".join(asked.texts) == payload
        assert asked.texts


def said(path: Path, payload: bytes) -> bytes:
    """What a door says to just these bytes."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(PATIENCE)
        caller.connect(str(path))
        send(caller, payload)
        return receive(caller)


def test_an_empty_request_asks_whether_somebody_is_there(door: Path) -> None:
    assert parse(b"") is None
    for path in (door, import_socket_path(door)):
        assert said(path, b"") == DONE
        assert said(path, b"\0\0") == REFUSED


def test_the_sockets_are_their_owners(door: Path) -> None:
    assert import_socket_path(door) == door.with_name(door.name + IMPORT_SOCKET_SUFFIX)
    for path in (door, import_socket_path(door)):
        assert path.is_socket()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(door.parent.stat().st_mode) == 0o700


def test_a_door_that_was_not_opened_is_not_there(tmp_path: Path) -> None:
    with spawn_keyholder(write_pepper_file(tmp_path / "pepper.key"), KeyholderSocket.LOOKUP) as path:
        assert not import_socket_path(path).exists()
        with KeyholderClient(import_socket_path(path)) as keyholder, pytest.raises(KeyholderUnavailable, match="cannot be reached"):
            keyholder.mac(SUBJECT)
        with KeyholderClient(path, timeout=PATIENCE) as keyholder:
            assert keyholder.mac(VALUE) == hmac_of(VALUE)


def test_another_pepper_answers_otherwise(tmp_path: Path) -> None:
    pepper = write_pepper_file(tmp_path / "pepper.key", OTHER_PEPPER)
    with spawn_keyholder(pepper, KeyholderSocket.LOOKUP) as path, KeyholderClient(path, timeout=PATIENCE) as keyholder:
        assert keyholder.mac(VALUE) == hmac.digest(OTHER_PEPPER, VALUE, "sha256") != hmac_of(VALUE)


def test_the_two_statuses_differ() -> None:
    assert len({DONE, REFUSED}) == 2

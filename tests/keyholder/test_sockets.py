"""What each socket of a real keyholder allows."""

import hmac
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto import mac_inputs
from app.crypto.framing import frame
from app.keyholder import (
    IMPORT_SOCKET_SUFFIX,
    KeyholderClient,
    KeyholderSocket,
    KeyholderUnavailable,
    import_socket_path,
    spawn_keyholder,
)
from app.keyholder.protocol import (
    STATUS_DENIED,
    STATUS_OK,
    parse_request,
    receive_message,
    send_message,
)
from tests.keyholder.helpers import (
    EMAIL_PREFIX,
    NAME_PREFIX,
    OTHER_PEPPER,
    SUBJECT_PREFIX,
    TIMEOUT_SECONDS,
    VALUE_INPUT,
    expected_mac,
    expected_macs,
    write_pepper_file,
)

DATASET = UUID(int=1)
IDENTIFIER_INPUT = mac_inputs.identifier_input("email", "gildong@example.com")
SENTINEL_INPUT = mac_inputs.sentinel_input(DATASET)
SUBJECT_INPUT = mac_inputs.subject_input("sample", "A-1", "")
PSEUDONYM_INPUT = mac_inputs.pseudonym_input("email", "gildong@example.com")
LABELS = [
    mac_inputs.IDENTIFIER_LABEL,
    mac_inputs.VALUE_LABEL,
    mac_inputs.PSEUDONYM_LABEL,
    mac_inputs.SUBJECT_LABEL,
]
INCOMPLETE_REQUESTS = [
    pytest.param(mac_inputs.IDENTIFIER_LABEL, id="a label without framing"),
    pytest.param(frame(mac_inputs.IDENTIFIER_LABEL), id="a label alone"),
    pytest.param(frame(mac_inputs.IDENTIFIER_LABEL, b"email"), id="a prefix alone"),
    pytest.param(frame(mac_inputs.VALUE_LABEL, b""), id="a prefix with an empty context alone"),
    pytest.param(frame(mac_inputs.SUBJECT_LABEL, b"sample"), id="a prefix of subjects alone"),
    pytest.param(frame(b"email", b"a@b.kr"), id="no label"),
    pytest.param(frame(b""), id="an empty part"),
    pytest.param(frame(b"", b"", b""), id="empty parts"),
]
"""Requests without a complete prefix, or without an input."""
MALFORMED_REQUESTS = [
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
    frame(IDENTIFIER_INPUT),
    IDENTIFIER_INPUT + b"\0",
    IDENTIFIER_INPUT[:-1],
]


@pytest.mark.parametrize(
    "message", [IDENTIFIER_INPUT, VALUE_INPUT, SENTINEL_INPUT, mac_inputs.kdf_params_input(bytes(16))]
)
def test_both_sockets_return_hmacs(
    lookup_client: KeyholderClient, import_client: KeyholderClient, message: bytes
) -> None:
    assert lookup_client.mac(message) == import_client.mac(message) == expected_mac(message)


@given(st.text(max_size=100), st.text(max_size=100))
def test_every_mac_is_the_hmac_under_the_pepper(lookup_client: KeyholderClient, kind: str, canonical: str) -> None:
    message = frame(mac_inputs.VALUE_LABEL, kind.encode(errors="replace"), canonical.encode(errors="replace"))
    assert lookup_client.mac(message) == expected_mac(message)


def test_only_the_import_socket_serves_subjects(lookup_client: KeyholderClient, import_client: KeyholderClient) -> None:
    assert import_client.mac(SUBJECT_INPUT) == expected_mac(SUBJECT_INPUT)
    assert import_client.mac_many(SUBJECT_PREFIX, [b"A-1\0"]) == expected_mac(SUBJECT_INPUT)
    calls: list[Callable[[], bytes]] = [
        lambda: lookup_client.mac(SUBJECT_INPUT),
        lambda: lookup_client.mac_many(SUBJECT_PREFIX, [b"A-1\0"]),
    ]
    for call in calls:
        with pytest.raises(KeyholderUnavailable, match="denies"):
            call()


def test_only_the_lookup_socket_serves_pseudonyms(
    lookup_client: KeyholderClient, import_client: KeyholderClient
) -> None:
    assert lookup_client.mac(PSEUDONYM_INPUT) == expected_mac(PSEUDONYM_INPUT) != expected_mac(IDENTIFIER_INPUT)
    prefix = mac_inputs.pseudonym_prefix("email")
    for client, inputs in ((import_client, [b"a@b.kr"]), (lookup_client, [b"a@b.kr", b"b@b.kr"])):
        with pytest.raises(KeyholderUnavailable, match="denies"):
            client.mac_many(prefix, inputs)


@pytest.mark.parametrize("prefix", [EMAIL_PREFIX, NAME_PREFIX, SUBJECT_PREFIX])
def test_only_the_import_socket_serves_batches(
    lookup_client: KeyholderClient, import_client: KeyholderClient, prefix: bytes
) -> None:
    for batch in ([b"one", b"other"], [b"same", b"same"], [b"", b""]):
        assert import_client.mac_many(prefix, batch) == expected_macs(prefix, batch)
        with pytest.raises(KeyholderUnavailable, match="denies"):
            lookup_client.mac_many(prefix, batch)
        with pytest.raises(KeyholderUnavailable, match="denies"):
            lookup_client.mac(prefix + frame(*batch))
    if prefix != SUBJECT_PREFIX:
        assert lookup_client.mac_many(prefix, [b"one"]) == expected_macs(prefix, [b"one"])


@pytest.mark.parametrize("message", [*INCOMPLETE_REQUESTS, *MALFORMED_REQUESTS])
def test_both_sockets_deny_malformed_requests(
    lookup_socket: Path, lookup_client: KeyholderClient, import_client: KeyholderClient, message: bytes
) -> None:
    for path, keyholder in ((lookup_socket, lookup_client), (import_socket_path(lookup_socket), import_client)):
        with pytest.raises(KeyholderUnavailable, match="denies"):
            keyholder.mac(message)
        assert exchange(path, message) == STATUS_DENIED
    request = parse_request(message)
    assert request is None or not KeyholderSocket.IMPORT.allows(request)


@pytest.mark.parametrize(
    "prefix", [b"", b"\xff\xff", b"\0", frame(mac_inputs.IDENTIFIER_LABEL), frame(b"email"), frame(b"", b"")]
)
@pytest.mark.parametrize(
    "inputs", [[b"a@b.kr"], [b"email", b"a@b.kr"], [mac_inputs.IDENTIFIER_LABEL, b"email", b"a@b.kr"]]
)
def test_inputs_cannot_complete_a_partial_prefix(
    lookup_client: KeyholderClient, import_client: KeyholderClient, prefix: bytes, inputs: list[bytes]
) -> None:
    """If an input completes the prefix, there would be fewer MACs than inputs: the request is denied."""
    for keyholder in (lookup_client, import_client):
        with pytest.raises(KeyholderUnavailable, match="denies"):
            keyholder.mac_many(prefix, inputs)


@pytest.mark.parametrize("inputs", [[b"a@b.kr"], [b"a@b.kr", b"b@b.kr"]])
def test_an_input_inside_the_prefix_is_denied(import_client: KeyholderClient, inputs: list[bytes]) -> None:
    with pytest.raises(KeyholderUnavailable, match="denies"):
        import_client.mac_many(EMAIL_PREFIX + frame(b"another's"), inputs)
    assert import_client.mac_many(EMAIL_PREFIX, inputs) == expected_macs(EMAIL_PREFIX, inputs)


def test_mac_refuses_several_inputs(import_client: KeyholderClient) -> None:
    for request in (
        IDENTIFIER_INPUT + frame(b"more"),
        IDENTIFIER_INPUT + IDENTIFIER_INPUT,
        EMAIL_PREFIX + frame(*[b"a"] * 100),
    ):
        with pytest.raises(KeyholderUnavailable, match="denies"):
            import_client.mac(request)
    with pytest.raises(KeyholderUnavailable, match="denies"):
        import_client.mac(b"")
    assert import_client.mac(IDENTIFIER_INPUT) == expected_mac(IDENTIFIER_INPUT)


def test_a_denied_request_keeps_the_connection(lookup_client: KeyholderClient) -> None:
    connection_id = lookup_client.connection_id()
    with pytest.raises(KeyholderUnavailable):
        lookup_client.mac(SUBJECT_INPUT)
    assert lookup_client.mac(VALUE_INPUT) == expected_mac(VALUE_INPUT)
    assert lookup_client.connection_id() == connection_id


@given(
    st.lists(
        st.sampled_from(LABELS) | st.binary(max_size=40),
        max_size=5,
    )
)
def test_a_socket_decides_by_label_and_input_count(parts: list[bytes]) -> None:
    request = parse_request(frame(*parts))
    if len(parts) < 3:
        assert request is None
        return
    assert request is not None
    assert (request.label, request.prefix) == (parts[0], frame(*parts[:2]))
    assert request.inputs == [frame(part) for part in parts[2:]]
    assert request.prefix + b"".join(request.inputs) == frame(*parts)
    is_served_by_both = parts[0] in (mac_inputs.IDENTIFIER_LABEL, mac_inputs.VALUE_LABEL)
    is_lookup_label = is_served_by_both or parts[0] == mac_inputs.PSEUDONYM_LABEL
    assert KeyholderSocket.LOOKUP.allows(request) == (is_lookup_label and len(parts) == 3)
    assert KeyholderSocket.IMPORT.allows(request) == (is_served_by_both or parts[0] == mac_inputs.SUBJECT_LABEL)


@given(st.binary(max_size=200))
def test_any_bytes_parse_to_a_request_or_none(payload: bytes) -> None:
    request = parse_request(payload)
    if request is not None:
        assert request.prefix + b"".join(request.inputs) == payload
        assert request.inputs


def exchange(path: Path, payload: bytes) -> bytes:
    """Send raw bytes to a socket and return the response."""
    with socket.socket(socket.AF_UNIX) as client_socket:
        client_socket.settimeout(TIMEOUT_SECONDS)
        client_socket.connect(str(path))
        send_message(client_socket, payload)
        return receive_message(client_socket)


def test_an_empty_request_is_a_ping(lookup_socket: Path) -> None:
    assert parse_request(b"") is None
    for path in (lookup_socket, import_socket_path(lookup_socket)):
        assert exchange(path, b"") == STATUS_OK
        assert exchange(path, b"\0\0") == STATUS_DENIED


def test_only_the_owner_can_connect(lookup_socket: Path) -> None:
    assert import_socket_path(lookup_socket) == lookup_socket.with_name(lookup_socket.name + IMPORT_SOCKET_SUFFIX)
    for path in (lookup_socket, import_socket_path(lookup_socket)):
        assert path.is_socket()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(lookup_socket.parent.stat().st_mode) == 0o700


def test_a_socket_that_was_not_opened_does_not_exist(tmp_path: Path) -> None:
    with spawn_keyholder(write_pepper_file(tmp_path / "pepper.key"), KeyholderSocket.LOOKUP) as path:
        assert not import_socket_path(path).exists()
        with (
            KeyholderClient(import_socket_path(path)) as keyholder,
            pytest.raises(KeyholderUnavailable, match="cannot be reached"),
        ):
            keyholder.mac(SUBJECT_INPUT)
        with KeyholderClient(path, timeout=TIMEOUT_SECONDS) as keyholder:
            assert keyholder.mac(VALUE_INPUT) == expected_mac(VALUE_INPUT)


def test_another_pepper_returns_other_macs(tmp_path: Path) -> None:
    pepper = write_pepper_file(tmp_path / "pepper.key", OTHER_PEPPER)
    with (
        spawn_keyholder(pepper, KeyholderSocket.LOOKUP) as path,
        KeyholderClient(path, timeout=TIMEOUT_SECONDS) as keyholder,
    ):
        assert (
            keyholder.mac(VALUE_INPUT) == hmac.digest(OTHER_PEPPER, VALUE_INPUT, "sha256") != expected_mac(VALUE_INPUT)
        )


def test_the_two_statuses_differ() -> None:
    assert len({STATUS_OK, STATUS_DENIED}) == 2

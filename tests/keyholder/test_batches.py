"""Many MACs at once: they equal single MACs, and batches are split into requests of limited size."""

import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.crypto import mac_inputs
from app.crypto.framing import FramingError, frame
from app.keyholder import KeyholderClient, client
from app.keyholder.client import MAX_BATCH_SIZE
from app.keyholder.protocol import MAX_MESSAGE_BYTES, send_message
from tests.keyholder.helpers import EMAIL_PREFIX, NAME_PREFIX, SUBJECT_PREFIX, VALUE_INPUT, expected_mac, expected_macs

prefixes = st.builds(
    frame,
    st.sampled_from([mac_inputs.IDENTIFIER_LABEL, mac_inputs.VALUE_LABEL, mac_inputs.SUBJECT_LABEL]),
    st.binary(max_size=20),
)
input_lists = st.lists(st.binary(max_size=80), max_size=20)


@given(prefixes, input_lists)
@example(EMAIL_PREFIX, [b"", b"", b"\0", b"\0\0", b"\0\1a"])
def test_mac_many_equals_single_macs(import_client: KeyholderClient, prefix: bytes, inputs: list[bytes]) -> None:
    macs = import_client.mac_many(prefix, inputs)
    assert macs == expected_macs(prefix, inputs)
    assert macs == b"".join([import_client.mac(prefix + frame(mac_input)) for mac_input in inputs])


def test_the_prefix_separates_equal_inputs(import_client: KeyholderClient) -> None:
    prefixes = [
        EMAIL_PREFIX,
        mac_inputs.identifier_prefix("phone"),
        NAME_PREFIX,
        mac_inputs.value_prefix("email"),
        SUBJECT_PREFIX,
    ]
    macs = [import_client.mac_many(prefix, [b"same", b"other"]) for prefix in prefixes]
    assert (
        len({pair[start : start + mac_inputs.MAC_BYTES] for pair in macs for start in (0, mac_inputs.MAC_BYTES)}) == 10
    )


def test_mac_many_of_no_inputs_returns_nothing(lookup_client: KeyholderClient, import_client: KeyholderClient) -> None:
    assert lookup_client.mac_many(EMAIL_PREFIX, []) == import_client.mac_many(SUBJECT_PREFIX, []) == b""


LONGEST_INPUT = b"x" * 65_535
FILLING_LENGTH = MAX_MESSAGE_BYTES - len(NAME_PREFIX) - 15 * (len(LONGEST_INPUT) + 2) - 2
"""Length of an input that fills a request together with fifteen of maximum length."""


@pytest.mark.parametrize(
    ("inputs", "request_count"),
    [
        pytest.param([b"%d" % index for index in range(2 * MAX_BATCH_SIZE + 5)], 3, id="too many inputs"),
        pytest.param([b"%d" % index for index in range(MAX_BATCH_SIZE)], 1, id="as many as fit"),
        pytest.param([b"%d" % index for index in range(MAX_BATCH_SIZE + 1)], 2, id="one input too many"),
        pytest.param([LONGEST_INPUT], 1, id="the longest input"),
        pytest.param([LONGEST_INPUT[:-5] + b"%5d" % index for index in range(40)], 4, id="too many bytes"),
        pytest.param(
            [b"%d" % index + b"y" * 150 for index in range(MAX_BATCH_SIZE)],
            2,
            id="too many inputs and bytes",
        ),
        pytest.param([b"z" * FILLING_LENGTH, *[LONGEST_INPUT] * 15], 1, id="as many bytes as fit"),
        pytest.param([b"z" * (FILLING_LENGTH + 1), *[LONGEST_INPUT] * 15], 2, id="one byte too many"),
        pytest.param([b""] * 300 + [LONGEST_INPUT] * 17 + [b""] * 300, 2, id="long inputs in the middle"),
    ],
)
def test_batches_are_split_into_requests(
    import_client: KeyholderClient, monkeypatch: pytest.MonkeyPatch, inputs: list[bytes], request_count: int
) -> None:
    request_lengths: list[int] = []

    def record_length(connection: socket.socket, payload: bytes) -> None:
        request_lengths.append(len(payload))
        send_message(connection, payload)

    monkeypatch.setattr(client, "send_message", record_length)
    connection_id = import_client.connection_id()
    request_lengths.clear()
    assert import_client.mac_many(NAME_PREFIX, inputs) == expected_macs(NAME_PREFIX, inputs)
    assert import_client.connection_id() == connection_id  # no request was too long for the server
    assert len(request_lengths) == request_count
    assert max(request_lengths) <= MAX_MESSAGE_BYTES
    assert sum(request_lengths) == request_count * len(NAME_PREFIX) + len(frame(*inputs))


@given(st.lists(st.integers(0, 65_535), max_size=40))
def test_splitting_keeps_every_input_in_order(lengths: list[int]) -> None:
    inputs = [index.to_bytes(2, "big") * (length // 2) for index, length in enumerate(lengths)]
    batches = list(client._split_into_batches(inputs, 100_000))
    assert b"".join(batch for batch, _ in batches) == frame(*inputs)
    assert sum(count for _, count in batches) == len(inputs)
    assert all(len(batch) <= 100_000 for batch, _ in batches)
    assert all(count for _, count in batches)


def test_an_input_that_is_too_long_is_not_sent(import_client: KeyholderClient) -> None:
    with pytest.raises(FramingError):
        import_client.mac_many(NAME_PREFIX, [b"short", LONGEST_INPUT + b"x"])
    assert import_client.mac(VALUE_INPUT) == expected_mac(VALUE_INPUT)

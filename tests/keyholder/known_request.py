"""A request whose MAC is known, and the check that every call of a client fails."""

import hmac

import pytest

from app.crypto import mac_inputs
from app.keyholder import KeyholderClient, KeyholderUnavailable
from tests.keyholder.helpers import PEPPER

PREFIX, INPUT = mac_inputs.value_prefix("name"), "홍길동".encode()
MESSAGE = mac_inputs.value_input("name", "홍길동")
ANSWER = hmac.digest(PEPPER, MESSAGE, "sha256")


def assert_unavailable(keyholder: KeyholderClient) -> None:
    """Check that every call fails with the one error."""
    for call in (
        keyholder.ping,
        keyholder.connection_id,
        lambda: keyholder.mac(MESSAGE),
        lambda: keyholder.mac_many(PREFIX, [INPUT, INPUT]),
        lambda: keyholder.mac_many(PREFIX, [INPUT]),
    ):
        with pytest.raises(KeyholderUnavailable) as caught:
            call()
        assert caught.value.__cause__ is None

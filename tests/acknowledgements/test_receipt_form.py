"""A receipt has one form: no other text verifies, and none controls the terminal of the one who verifies it."""

import base64
import json
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.acknowledgements import InvalidReceipt, Receipt, ReceiptSigner, verify_signature
from app.acknowledgements.receipts import decode_base64url, encode_base64url
from app.crypto.key_files import KeyRing, create_key_file
from app.crypto.keys import ApplicationKey, SigningKey
from tests.cli.cli_driver import CliDriver, run_in_process

KEY = SigningKey(bytes(range(32)))
SIGNER = ReceiptSigner(KEY)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def sign(payload: bytes) -> Receipt:
    signature = SIGNER._private_key.sign(payload)
    return Receipt(SIGNER.key.kid, encode_base64url(payload), encode_base64url(signature))


@given(st.binary(max_size=40), st.data())
def test_each_value_has_one_base64url_text(value: bytes, data: st.DataObject) -> None:
    text = encode_base64url(value)
    assert decode_base64url(text) == value
    position = data.draw(st.integers(0, max(len(text) - 1, 0)))
    changed = text[:position] + data.draw(st.sampled_from([*ALPHABET, "+", "/", "=", ""])) + text[position + 1 :]
    with suppress(InvalidReceipt):
        assert decode_base64url(changed) != value or changed == text


def test_unused_bits_of_the_last_character_must_be_zero() -> None:
    receipt = sign(b'{"a":1}')
    assert verify_signature(receipt, SIGNER.key) == b'{"a":1}'
    for field in ("payload", "signature"):
        text = getattr(receipt, field)
        others = [text[:-1] + last for last in ALPHABET if last != text[-1]]
        same_bytes = [other for other in others if base64.urlsafe_b64decode(other + "==") == _decode(text)]
        assert same_bytes
        for other in same_bytes:
            with pytest.raises(InvalidReceipt, match="must be base64url"):
                verify_signature(replace(receipt, **{field: other}), SIGNER.key)


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


@pytest.mark.parametrize(
    "payload",
    [
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":"\\u00e9"}',
        b"[1]",
        b"1",
        b"no JSON",
        b"\xff",
        b"",
    ],
)
def test_a_signed_payload_in_another_form_is_refused(payload: bytes) -> None:
    with pytest.raises(InvalidReceipt, match="canonical form"):
        verify_signature(sign(payload), SIGNER.key)


@pytest.fixture
def cli(tmp_path: Path) -> CliDriver:
    keys = KeyRing(tmp_path / "keys")
    create_key_file(keys.application_key_path, ApplicationKey.generate())
    create_key_file(keys.signing_key_path, KEY)
    return replace(CliDriver.in_folder(tmp_path), run=run_in_process)


@pytest.mark.parametrize("as_json", [False, True])
def test_control_characters_are_escaped(cli: CliDriver, as_json: bool) -> None:
    value = "\x1b[2Jno\nthe receipt is valid\r\x9b31m\u202ex"
    payload, signature = SIGNER.sign({"statement": value})
    receipt = Receipt(SIGNER.key.kid, encode_base64url(payload), encode_base64url(signature))
    (cli.folder / "receipt.json").write_text(json.dumps(asdict(receipt)))
    result = cli("receipt", "verify", "receipt.json", *(["--json"] if as_json else []))
    assert all(line.isprintable() for line in result.stdout.split("\n"))
    if as_json:
        (event,) = result.objects
        assert event["payload"]["statement"] == value
    else:
        assert result.stdout.split("\n")[1] == (
            r"statement: \u001b[2Jno\u000athe receipt is valid\u000d\u009b31m\u202ex"
        )


def test_the_key_id_of_a_refused_receipt_is_not_printed(cli: CliDriver) -> None:
    receipt = replace(sign(b'{"a":1}'), kid="\x1b[2Jsesame")
    (cli.folder / "receipt.json").write_text(json.dumps(asdict(receipt)))
    error = cli.expect_refusal("receipt", "verify", "receipt.json")
    assert error == "signed by another key"

"""Files that people save with the editor they have: with a byte order mark, with other line ends, and in UTF-16 where the format allows it."""

import codecs
import json
from pathlib import Path

import pytest

from app.acknowledgements import ReceiptSigner
from app.cli.demo import SAMPLE_INCIDENT
from app.config import load_settings
from app.crypto.key_files import KeyRing
from app.incidents.loader import load_incident
from app.rate_limits import load_policy
from tests.cli.cli_driver import CliDriver

SAVED_AS = {
    "UTF-8": ("utf-8", "\n"),
    "UTF-8 with CRLF": ("utf-8", "\r\n"),
    "UTF-8 with byte order mark": ("utf-8-sig", "\n"),
    "UTF-8 with byte order mark and CRLF": ("utf-8-sig", "\r\n"),
}
"""Encoding and line ends."""

JSON_SAVED_AS = SAVED_AS | {
    "UTF-16 with byte order mark, as a redirection in Windows PowerShell": ("utf-16", "\r\n"),
    "UTF-16, big endian": ("utf-16-be", "\n"),
}

toml_and_settings = pytest.mark.parametrize(("encoding", "line_end"), SAVED_AS.values(), ids=SAVED_AS)


def save(path: Path, text: str, encoding: str, line_end: str) -> Path:
    path.write_bytes(text.replace("\n", line_end).encode(encoding))
    return path


@pytest.mark.parametrize("standard_input", [False, True], ids=["file", "standard input"])
@pytest.mark.parametrize(("encoding", "line_end"), JSON_SAVED_AS.values(), ids=JSON_SAVED_AS)
def test_receipts_and_their_keys(encoding: str, line_end: str, standard_input: bool, cli: CliDriver) -> None:
    signer = ReceiptSigner(KeyRing(cli.folder / "keys").load_signing_key())
    payload, signature = signer.sign({"incident": "sample-2025"})
    encoded = [
        codecs.encode(data, "base64").decode().translate({10: None, 61: None, 43: "-", 47: "_"})
        for data in (payload, signature)
    ]
    receipt = {"kid": signer.key.kid, "payload": encoded[0], "signature": encoded[1]}
    keys = {"keys": [{"kid": signer.key.kid, "alg": "Ed25519", "public_key": signer.key.public_key}]}
    receipt_file = save(cli.folder / "receipt.json", json.dumps(receipt, indent=1), encoding, line_end)
    keys_file = save(cli.folder / "keys.json", json.dumps(keys, indent=1), encoding, line_end)
    if standard_input:
        (result,) = cli("receipt", "verify", "-", "--key", keys_file, "--json", stdin=receipt_file.read_bytes()).objects
    else:
        (result,) = cli("receipt", "verify", receipt_file, "--key", keys_file, "--json").objects
    assert result == {"event": "valid", "kid": signer.key.kid, "payload": {"incident": "sample-2025"}}


@pytest.mark.parametrize("content", [b"\xff\xfe{", b"\xef\xbb\xbf", b"\xed\xa0\x80", b'{"kid": "\xff"}'])
def test_a_receipt_in_no_encoding_of_json_is_refused(content: bytes, cli: CliDriver) -> None:
    (cli.folder / "receipt.json").write_bytes(content)
    assert cli.expect_refusal("receipt", "verify", "receipt.json") == "receipt.json: must be JSON"


@toml_and_settings
def test_limits_file(encoding: str, line_end: str, tmp_path: Path) -> None:
    text = 'sms_countries = ["82", "1"]\n[client]\nother = "7/minute"\n'
    policy = load_policy(save(tmp_path / "limits.toml", text, encoding, line_end))
    assert (policy.sms_countries, policy.client.other) == (("82", "1"), "7/minute")


@toml_and_settings
def test_incident_file(encoding: str, line_end: str, tmp_path: Path) -> None:
    text = SAMPLE_INCIDENT.read_text(encoding="utf-8")
    assert load_incident(save(tmp_path / "incident.toml", text, encoding, line_end)) == load_incident(SAMPLE_INCIDENT)


@toml_and_settings
def test_settings_file(encoding: str, line_end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / ".env", "EXPOSURE_CODE_TTL=60\nEXPOSURE_SESSION_TTL=70\n", encoding, line_end)
    settings = load_settings()
    assert (settings.code_ttl, settings.session_ttl) == (60, 70)


def test_identifiers_on_standard_input(cli: CliDriver) -> None:
    cli("incident", "create", SAMPLE_INCIDENT)
    people = [f"a{number},p{number}@example.com,010-2000-000{number},name" for number in range(2 * len(SAVED_AS) + 1)]
    save(cli.folder / "people.csv", "\n".join(["account_ref,email,phone,items", *people]) + "\n", "utf-8", "\n")
    (staged,) = cli(
        "dataset", "import", "people.csv", "--incident", "sample-2025", "--cost", "minimal", "--workers", 1, "--json"
    ).objects
    for number, (encoding, line_end) in enumerate(SAVED_AS.values()):
        for identifier in (f"p{2 * number}@example.com", f"010-2000-000{2 * number + 1}"):
            stdin = f"{identifier}{line_end}".encode(encoding)
            (removed,) = cli("dataset", "suppress", staged["id"], "--json", stdin=stdin).objects
            assert removed == {"event": "suppressed", "id": staged["id"], "rows": 2}, (identifier, encoding)


@pytest.mark.parametrize("stdin", [b"", b"\n", b"\xef\xbb\xbf\n", b"\xff\xfes\x00", b"mina\xff@example.com\n"])
def test_standard_input_that_holds_no_identifier_is_refused(stdin: bytes, cli: CliDriver) -> None:
    error = cli.expect_refusal("dataset", "suppress", "00000000-0000-0000-0000-000000000001", stdin=stdin)
    assert error.startswith("standard input: line 1 is not a valid ")
    assert "mina" not in error

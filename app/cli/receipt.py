"""`exposure receipt`."""

import json as jsonlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.acknowledgements import InvalidReceipt, Receipt, ReceiptKey, ReceiptSigner, verify_signature
from app.cli.output import JsonOption, emit, escape_control
from app.config import load_settings
from app.crypto.key_files import KeyRing

commands = typer.Typer(add_completion=False, help="Receipts of acknowledgements.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Make `verify` a subcommand: Typer merges a single command into its group."""


@commands.command("verify")
def verify_receipt(
    file: Annotated[Path, typer.Argument(help="the receipt as returned by the API; - for standard input")],
    key: Annotated[
        Path | None, typer.Option(help="file with the body of /v1/receipt-keys; default: the key of EXPOSURE_KEY_DIR")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check a receipt offline: exit code 0 if its signature is valid, 2 if not."""
    receipt = _parse_receipt(_read_json(file))
    payload = verify_signature(receipt, _select_key(receipt, key))
    content = jsonlib.loads(payload)
    lines = [escape_control(f"{name}: {value}") for name, value in content.items()]
    emit(
        {"event": "valid", "kid": receipt.kid, "payload": content},
        "\n".join(["the receipt is valid", *lines]),
        as_json=json,
    )


def _parse_receipt(content: Any) -> Receipt:  # noqa: ANN401  any JSON
    try:
        return Receipt(*(_require_text(content[name]) for name in ("kid", "payload", "signature")))
    except (KeyError, TypeError):
        raise InvalidReceipt("the file is not a receipt: kid, payload and signature are required") from None


def _select_key(receipt: Receipt, file: Path | None) -> ReceiptKey:
    if file is None:
        return ReceiptSigner(KeyRing(load_settings().key_dir).load_signing_key()).key
    try:
        keys = [
            ReceiptKey(_require_text(key["kid"]), _require_text(key["public_key"])) for key in _read_json(file)["keys"]
        ]
    except (KeyError, TypeError):
        raise InvalidReceipt(f"{file}: must hold the body of /v1/receipt-keys") from None
    return next((key for key in keys if key.kid == receipt.kid), ReceiptKey("none", ""))


def _require_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _read_json(file: Path) -> Any:  # noqa: ANN401  any JSON
    try:
        # as bytes: json then takes a byte order mark, and the UTF-16 that a redirection in Windows PowerShell writes
        return jsonlib.loads(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    except OSError as error:
        raise InvalidReceipt(f"{file}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise InvalidReceipt(f"{file}: must be JSON") from None

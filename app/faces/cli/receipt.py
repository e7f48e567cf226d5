"""`exposure receipt`."""

import json as jsonlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.acknowledgements import InvalidReceipt, Receipt, ReceiptKey, ReceiptSigner, verify_signature
from app.config import load_settings
from app.crypto.key_files import KeyRing
from app.faces.cli.output import JsonOption, emit

commands = typer.Typer(help="Receipts of acknowledgements.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Keep `verify` a word of its own."""


@commands.command("verify")
def verify_receipt(
    file: Annotated[Path, typer.Argument(help="the receipt, as the API gave it; - for standard input")],
    key: Annotated[
        Path | None, typer.Option(help="body of /v1/receipt-keys; without it, the key of EXPOSURE_KEY_DIR")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check a receipt offline: exit 0 where its signature holds, 2 where it does not."""
    receipt = _receipt(_read(file))
    payload = verify_signature(receipt, _key(receipt, key))
    content = jsonlib.loads(payload)
    lines = [f"{name}: {value}" for name, value in content.items()]
    emit(
        {"event": "valid", "kid": receipt.kid, "payload": content},
        "\n".join(["the receipt is valid", *lines]),
        as_json=json,
    )


def _receipt(content: Any) -> Receipt:  # noqa: ANN401  whatever stood in the file
    try:
        return Receipt(*(_text(content[name]) for name in ("kid", "payload", "signature")))
    except (KeyError, TypeError):
        raise InvalidReceipt("the file must be a receipt with kid, payload and signature") from None


def _key(receipt: Receipt, file: Path | None) -> ReceiptKey:
    if file is None:
        return ReceiptSigner(KeyRing(load_settings().key_dir).load_signing_key()).key
    try:
        keys = [ReceiptKey(_text(one["kid"]), _text(one["public_key"])) for one in _read(file)["keys"]]
    except (KeyError, TypeError):
        raise InvalidReceipt(f"{file}: must be the body of /v1/receipt-keys") from None
    return next((one for one in keys if one.kid == receipt.kid), ReceiptKey("none", ""))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _read(file: Path) -> Any:  # noqa: ANN401
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return jsonlib.loads(text)
    except OSError as error:
        raise InvalidReceipt(f"{file}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise InvalidReceipt(f"{file}: must be JSON") from None

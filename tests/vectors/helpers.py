"""Shared by the tests of the vectors: the content of sealed-store.json, and how to read its fields."""

import json
from typing import Any
from uuid import UUID

import pytest

from app.crypto.keys import StoreKey
from tests.vectors import make

VECTORS: dict[str, Any] = json.loads(make.PATH.read_text(encoding="utf-8"))
DATASET = UUID(VECTORS["dataset"])
STORE_KEY = StoreKey(bytes.fromhex(VECTORS["keys"]["store"]))
SALT = bytes.fromhex(VECTORS["scheme"]["salt"])
MESSAGES = {message["name"]: message for message in VECTORS["messages"]}


def decode_hex(entry: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(entry[name]) for name in names]


def vector_params(entries: list[dict[str, Any]], *names: str) -> Any:
    return [pytest.param(entry, id=" ".join(str(entry[name]) for name in names)) for entry in entries]

"""The kinds of items that can leak. A module of its own, because the workers of an import need no more of this package."""

from typing import Literal, get_args

ItemKind = Literal["name", "email", "phone", "address", "door_code_masked", "door_code", "order"]
ITEM_KINDS: tuple[ItemKind, ...] = get_args(ItemKind)
"""Sealed records encode item counts in this order: append new kinds, never reorder."""

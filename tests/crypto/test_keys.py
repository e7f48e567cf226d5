"""Keys: never shown, never confused, never of the wrong length."""

import copy
import pickle
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.keys import KEY_BYTES, ApplicationKey, InvalidKey, Key, Pepper, SigningKey, StoreKey
from tests.crypto.helpers import ROLES

RAW = b"SECRET-KEY-OF-EXACTLY-32-BYTES!!"
every_role = pytest.mark.parametrize("role", ROLES)


def reveals(text: str, raw: bytes) -> bool:
    """Return whether *text* contains the raw key in any usual encoding."""
    return any(
        encoding in text.lower() for encoding in (raw.decode().lower(), raw.hex(), repr(raw).lower(), repr(list(raw)))
    )


@every_role
def test_repr_and_str_hide_a_key(role: type[Key]) -> None:
    key = role(RAW)
    for text in (repr(key), str(key), f"{key}", f"{key!r}", f"{key!s:>60}", "%s" % key, "{}".format(key), repr([key])):  # noqa: UP031, UP032
        assert not reveals(text, RAW)
    assert reveals(str(key.reveal()), RAW)


@every_role
def test_a_key_cannot_be_pickled_or_copied(role: type[Key]) -> None:
    key = role(RAW)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError) as caught:
            pickle.dumps(key, protocol)
        assert not reveals(str(caught.value), RAW)
    for copier in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            copier(key)
    with pytest.raises(TypeError):
        pickle.dumps({"deep": [key]})


@every_role
def test_a_key_has_no_hash_length_or_visible_attributes(role: type[Key]) -> None:
    key = role(RAW)
    assert not reveals(repr(vars(key)), RAW)
    with pytest.raises(TypeError):
        hash(key)
    with pytest.raises(TypeError):
        bytes(key)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        len(key)  # type: ignore[arg-type]


@every_role
def test_an_error_does_not_contain_the_key(role: type[Key]) -> None:
    try:
        role(RAW + b"x")
    except InvalidKey as error:
        assert not reveals("".join(traceback.format_exception(error)), RAW)
        assert not reveals(repr(error.args), RAW)
    else:
        pytest.fail("a key of wrong length was accepted")


@every_role
@given(raw=st.binary(max_size=80).filter(lambda raw: len(raw) != KEY_BYTES))
def test_keys_of_wrong_length_are_refused(role: type[Key], raw: bytes) -> None:
    with pytest.raises(InvalidKey, match="32 bytes") as caught:
        role(raw)
    assert role.role in str(caught.value)


@pytest.mark.parametrize("first", ROLES)
@pytest.mark.parametrize("other", ROLES)
def test_keys_of_different_roles_compare_by_bytes(first: type[Key], other: type[Key]) -> None:
    assert first(RAW) == other(RAW)
    assert first(RAW) != other(RAW[:-1] + b"?")


@pytest.mark.parametrize("other", [RAW, RAW.decode(), None, 0, ()])
def test_a_key_never_equals_other_types(other: Any) -> None:
    assert Pepper(RAW) != other


@every_role
def test_generated_keys_differ(role: type[Key]) -> None:
    first, other = role.generate(), role.generate()
    assert type(first) is role
    assert first != other
    assert len(first.reveal()) == KEY_BYTES


def test_each_role_has_its_name() -> None:
    assert [role.role for role in (Pepper, StoreKey, ApplicationKey, SigningKey)] == [
        "pepper",
        "store",
        "application",
        "signing",
    ]
    assert {role.__name__ for role in ROLES} == {repr(role(RAW)).split("(")[0] for role in ROLES}


def test_a_store_key_id_is_stable_and_reveals_no_key() -> None:
    key = StoreKey(RAW)
    assert key.id == StoreKey(RAW).id
    assert key.id != StoreKey.generate().id
    assert (len(key.id), bytes.fromhex(key.id).hex()) == (16, key.id)
    assert key.id not in RAW.hex()
    assert key.id not in [key.subkey(purpose).hex()[:16] for purpose in ("cloak", "outer seal", "manifest")]

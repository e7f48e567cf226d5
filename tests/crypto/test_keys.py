"""Keys: never shown, never mistaken, never short."""

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


def shows(text: str, raw: bytes) -> bool:
    return any(spelt in text.lower() for spelt in (raw.decode().lower(), raw.hex(), repr(raw).lower(), repr(list(raw))))


@every_role
def test_a_key_does_not_show_itself(role: type[Key]) -> None:
    key = role(RAW)
    for shown in (repr(key), str(key), f"{key}", f"{key!r}", f"{key!s:>60}", "%s" % key, "{}".format(key), repr([key])):  # noqa: UP031, UP032
        assert not shows(shown, RAW)
    assert shows(str(key.reveal()), RAW)


@every_role
def test_a_key_does_not_leave_its_process(role: type[Key]) -> None:
    key = role(RAW)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError) as caught:
            pickle.dumps(key, protocol)
        assert not shows(str(caught.value), RAW)
    for copied in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            copied(key)
    with pytest.raises(TypeError):
        pickle.dumps({"deep": [key]})


@every_role
def test_a_key_is_not_found_by_looking(role: type[Key]) -> None:
    key = role(RAW)
    assert not shows(repr(vars(key)), RAW)
    with pytest.raises(TypeError):
        hash(key)
    with pytest.raises(TypeError):
        bytes(key)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        len(key)  # type: ignore[arg-type]


@every_role
def test_an_error_about_a_key_does_not_hold_it(role: type[Key]) -> None:
    try:
        role(RAW + b"x")
    except InvalidKey as error:
        assert not shows("".join(traceback.format_exception(error)), RAW)
        assert not shows(repr(error.args), RAW)
    else:
        pytest.fail("a long key was taken")


@every_role
@given(raw=st.binary(max_size=80).filter(lambda raw: len(raw) != KEY_BYTES))
def test_only_whole_keys_are_taken(role: type[Key], raw: bytes) -> None:
    with pytest.raises(InvalidKey, match="32 bytes") as caught:
        role(raw)
    assert role.role in str(caught.value)


@pytest.mark.parametrize("one", ROLES)
@pytest.mark.parametrize("other", ROLES)
def test_equal_bytes_are_found_across_roles(one: type[Key], other: type[Key]) -> None:
    assert one(RAW) == other(RAW)
    assert one(RAW) != other(RAW[:-1] + b"?")


@pytest.mark.parametrize("other", [RAW, RAW.decode(), None, 0, ()])
def test_a_key_is_equal_to_no_bytes(other: Any) -> None:
    assert Pepper(RAW) != other


@every_role
def test_generated_keys_are_new(role: type[Key]) -> None:
    one, other = role.generate(), role.generate()
    assert type(one) is role
    assert one != other
    assert len(one.reveal()) == KEY_BYTES


def test_a_role_says_its_name() -> None:
    assert [role.role for role in (Pepper, StoreKey, ApplicationKey, SigningKey)] == [
        "pepper",
        "store",
        "application",
        "signing",
    ]
    assert {role.__name__ for role in ROLES} == {repr(role(RAW)).split("(")[0] for role in ROLES}


def test_a_store_keys_id_is_public_and_its_own() -> None:
    key = StoreKey(RAW)
    assert key.id == StoreKey(RAW).id
    assert key.id != StoreKey.generate().id
    assert (len(key.id), bytes.fromhex(key.id).hex()) == (16, key.id)
    assert key.id not in RAW.hex()
    assert key.id not in [key.subkey(purpose).hex()[:16] for purpose in ("cloak", "outer seal", "manifest")]

"""The theft table of the README: whom an attacker of each place, with each set of keys, finds among 100,000 guesses."""

import pytest

from tests.theft.attacker import Attacker, Keys, open_spills
from tests.theft.conftest import Crime
from tests.theft.victims import AFFECTED, VICTIMS

pytestmark = pytest.mark.slow

APPLICATION, PEPPER = "application keys", "pepper"
NOBODY: set[str] = set()
IN_FILE = {guess.identifier for guess in AFFECTED.values()}
TABLE = [
    (set(), {"database": NOBODY, "backup": NOBODY, "work folder": NOBODY, "logs": NOBODY}),
    ({APPLICATION}, {"database": NOBODY, "backup": NOBODY, "work folder": NOBODY, "logs": NOBODY}),
    ({PEPPER}, {"database": NOBODY, "backup": NOBODY, "work folder": NOBODY, "logs": NOBODY}),
    ({APPLICATION, PEPPER}, {"database": VICTIMS, "backup": VICTIMS, "work folder": IN_FILE, "logs": NOBODY}),
]
"""The stolen keys, and whom the bytes of each place then confirm. With all keys the attack must succeed, or it would prove nothing."""


@pytest.mark.parametrize(("held", "expected"), TABLE, ids=[" and ".join(sorted(held)) or "no key" for held, _ in TABLE])
def test_an_attacker_confirms_what_the_table_says(held: set[str], expected: dict[str, set[str]], crime: Crime) -> None:
    keys = Keys(
        crime.all_keys.application if APPLICATION in held else None,
        crime.all_keys.store if APPLICATION in held else {},
        crime.all_keys.pepper if PEPPER in held else None,
    )
    assert all(crime.places.values())
    stolen = dict(crime.places)
    stolen["work folder"] += open_spills(crime.work_files, keys.store.values())
    assert Attacker(crime.public, keys).confirm(crime.guesses, stolen) == expected

"""Every column of every table: which keys an attacker needs to test a guess of an identifier against it."""

import pytest

from tests.theft.attacker import Attacker, Keys
from tests.theft.conftest import Crime
from tests.theft.victims import AFFECTED, OPTED_OUT

NEVER = "nothing in it depends on an identifier, or only under a secret that its person holds"
SEALED = "sealed under a key of the application: it falls with that key, but holds no identifier of a real person"
VANISHING = "sealed under a key that is destroyed soon after"
BOTH = "keyed by the application and the keyholder: a guess takes the keys of both"

COLUMNS = {
    "acknowledgements.incident": NEVER,
    "acknowledgements.notice_version": NEVER,
    "acknowledgements.receipt": NEVER,
    "acknowledgements.subject": BOTH,
    "alembic_version.version_num": NEVER,
    "catalog_version.id": NEVER,
    "catalog_version.version": NEVER,
    "data_sets.base_id": NEVER,
    "data_sets.canaries": SEALED,
    "data_sets.cohort_counts": SEALED,
    "data_sets.id": NEVER,
    "data_sets.imported_at": NEVER,
    "data_sets.incident": NEVER,
    "data_sets.key_id": NEVER,
    "data_sets.kind": NEVER,
    "data_sets.manifest": NEVER,
    "data_sets.people": NEVER,
    "data_sets.published_at": NEVER,
    "data_sets.rows": NEVER,
    "data_sets.sequence": NEVER,
    "data_sets.shard_count": NEVER,
    "data_sets.signature": NEVER,
    "data_sets.state": NEVER,
    "data_sets.synthetic": NEVER,
    "data_sets.version": NEVER,
    "incidents.created_at": NEVER,
    "incidents.document": NEVER,
    "incidents.slug": NEVER,
    "kdf_params.check_value": NEVER,
    "kdf_params.created_at": NEVER,
    "kdf_params.id": NEVER,
    "kdf_params.memory_kib": NEVER,
    "kdf_params.salt": NEVER,
    "kdf_params.time_cost": NEVER,
    "notices.incident": NEVER,
    "notices.published_at": NEVER,
    "notices.texts": NEVER,
    "notices.version": NEVER,
    "opt_outs.pseudonym": BOTH,
    "opt_outs.until": NEVER,
    "outbox.ciphertext": VANISHING,
    "outbox.due_at": NEVER,
    "outbox.expires_at": NEVER,
    "outbox.id": NEVER,
    "receipts.acknowledged_at": NEVER,
    "receipts.id": NEVER,
    "receipts.kid": NEVER,
    "receipts.payload": NEVER,
    "receipts.signature": NEVER,
    "sealed.entry": NEVER,
    "sealed.locator": BOTH,
    "sealed.position": BOTH,
    "sealed.sealed": BOTH,
    "sessions.ciphertext": NEVER,
    "sessions.expires_at": NEVER,
    "sessions.locator": NEVER,
    "signed_catalog.id": NEVER,
    "signed_catalog.payload": NEVER,
    "signed_catalog.signature": NEVER,
    "verifications.ciphertext": NEVER,
    "verifications.code_mac": NEVER,
    "verifications.expires_at": NEVER,
    "verifications.locator": NEVER,
    "verifications.resends_left": NEVER,
    "verifications.tries_left": NEVER,
}
"""A new column needs an entry here, and with it a thought about what an attacker can do with it."""

CONFIRMED_WITH_ALL_KEYS = {
    "acknowledgements.subject": {AFFECTED["A-1001"].identifier},
    "opt_outs.pseudonym": {AFFECTED["A-1001"].identifier, OPTED_OUT.identifier},
    "sealed.locator": {guess.identifier for guess in AFFECTED.values()},
}
"""What the attack finds. `sealed.position` is too short for it, and `sealed.sealed` opens under a key that is derived beside the locator."""


def test_every_column_has_an_entry(crime: Crime) -> None:
    assert crime.columns.keys() == COLUMNS.keys()
    assert {column for column, class_ in COLUMNS.items() if class_ == BOTH} >= CONFIRMED_WITH_ALL_KEYS.keys()


@pytest.mark.parametrize("has_application_keys", [False, True])
@pytest.mark.parametrize("has_pepper", [False, True])
def test_a_guess_can_be_tested_with_both_keys_only(has_application_keys: bool, has_pepper: bool, crime: Crime) -> None:
    keys = Keys(
        crime.all_keys.application if has_application_keys else None,
        crime.all_keys.store if has_application_keys else {},
        crime.all_keys.pepper if has_pepper else None,
    )
    guesses = [*AFFECTED.values(), OPTED_OUT, *crime.guesses[:1_000]]
    confirmed = Attacker(crime.public, keys).confirm(guesses, crime.columns)
    found = {column: people for column, people in confirmed.items() if people}
    assert found == (CONFIRMED_WITH_ALL_KEYS if has_application_keys and has_pepper else {})

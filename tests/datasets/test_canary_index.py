"""The list of canaries: stored encrypted, loaded into a server's index, and kept when an import is interrupted."""

from typing import Any

import pytest

from app.datasets.canary_index import MIN_PADDED_BYTES, open_canaries, seal_canaries
from app.datasets.errors import StateConflict
from app.errors import DependencyUnavailable
from app.importing import DEFAULT_CANARY_DOMAIN, MAX_CANARIES
from tests.datasets.canary_helpers import (
    CANARY_COUNT,
    PEOPLE,
    cohort_counts,
    find_incident,
    get_data_set,
    import_synthetic,
    list_canaries,
    load_index,
)
from tests.datasets.store_reader import look_up
from tests.support.deployment import INCIDENT_SLUG, Deployment, RecordingListener


@pytest.mark.parametrize("count", [0, 1, 100, 1000, MAX_CANARIES])
def test_sealed_list_has_few_sizes(count: int, deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE)
    key = deployment.keys.load_store_key(get_data_set(deployment, staged.id).key_id)
    identifiers = [f"somebody.{number:08}@{DEFAULT_CANARY_DOMAIN}" for number in range(count)]
    ciphertext = seal_canaries(identifiers, key, staged.id)
    assert open_canaries(ciphertext, key, staged.id) == identifiers
    size = len(ciphertext) - len(seal_canaries([], key, staged.id)) + MIN_PADDED_BYTES
    assert size == 1 << (size.bit_length() - 1)


def interrupt_import(deployment: Deployment, **request: Any) -> None:
    """Interrupt an import between the seal and sort stages."""

    def progress(stage: str, _: int) -> None:
        if stage == "sort":
            raise DependencyUnavailable

    with pytest.raises(DependencyUnavailable):
        import_synthetic(deployment, 60, listener=RecordingListener(progress), **request)


def test_an_interrupted_import_with_canaries_resumes(deployment: Deployment) -> None:
    uninterrupted = import_synthetic(deployment, 60, canaries=CANARY_COUNT)
    interrupt_import(deployment, canaries=CANARY_COUNT)
    listener = RecordingListener()
    staged = import_synthetic(deployment, 60, canaries=CANARY_COUNT, listener=listener)
    assert [event[0] for event in listener.events] == ["resumed"]
    assert list_canaries(deployment, staged.id) == list_canaries(deployment, uninterrupted.id)
    assert (staged.rows, staged.people, staged.canaries) == (uninterrupted.rows, uninterrupted.people, CANARY_COUNT)
    assert cohort_counts(deployment, staged.id) == cohort_counts(deployment, uninterrupted.id)
    for canary in list_canaries(deployment, staged.id):
        assert len(look_up(deployment, staged.id, canary).records) == 1


@pytest.mark.parametrize(
    "options", [{}, {"canaries": CANARY_COUNT + 1}, {"canaries": CANARY_COUNT, "canary_domain": "example.org"}]
)
def test_other_canary_options_restart_the_import(options: dict[str, Any], deployment: Deployment) -> None:
    interrupt_import(deployment, canaries=CANARY_COUNT)
    listener = RecordingListener()
    staged = import_synthetic(deployment, 60, listener=listener, **options)
    assert [event[0] for event in listener.events] == ["restarted"]
    assert staged.canaries == options.get("canaries", 0)


def test_index_forgets_canaries_when_the_last_data_set_is_retired(deployment: Deployment) -> None:
    index = load_index(deployment)
    first, second = (deployment.import_rows(PEOPLE, canaries=CANARY_COUNT) for _ in range(2))
    canary = list_canaries(deployment, first.id)[0]
    assert find_incident(index, canary) is None
    index.refresh(deployment.database)
    assert find_incident(index, canary) == INCIDENT_SLUG
    assert find_incident(index, "mina@example.com") is None
    assert index.find_incident("phone" if "@" in canary else "email", canary) is None
    deployment.retire(first.id)
    index.refresh(deployment.database)
    assert find_incident(index, canary) == INCIDENT_SLUG
    deployment.retire(second.id)
    index.refresh(deployment.database)
    assert find_incident(index, canary) is None
    assert [ciphertext for (ciphertext,) in deployment.execute_sql("SELECT canaries FROM data_sets")] == [None, None]
    with pytest.raises(StateConflict):
        list_canaries(deployment, first.id)


def test_a_lost_store_key_does_not_affect_canaries_of_other_data_sets(deployment: Deployment) -> None:
    lost = deployment.import_rows(PEOPLE, canaries=CANARY_COUNT)
    deployment.create_incident(deployment.incident.model_copy(update={"slug": "another"}))
    other = deployment.import_rows(PEOPLE, incident="another", canaries=CANARY_COUNT)
    lost_canary = list_canaries(deployment, lost.id)[0]
    deployment.keys.store_key_path(get_data_set(deployment, lost.id).key_id).unlink()
    index = load_index(deployment)
    assert find_incident(index, lost_canary) is None
    assert {find_incident(index, canary) for canary in list_canaries(deployment, other.id)} == {"another"}


def test_a_data_set_without_a_canary_list_has_none(deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE)
    deployment.execute_sql("UPDATE data_sets SET canaries = NULL")
    assert list_canaries(deployment, staged.id) == []
    load_index(deployment)

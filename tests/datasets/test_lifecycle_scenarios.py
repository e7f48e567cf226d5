"""Life cycle of data sets, seen through the API: which data sets a customer is answered from after each operation."""

import pytest

from app.datasets import service as datasets
from app.datasets.errors import StateConflict
from tests.datasets.lifecycle_steps import (
    Scenario,
    Step,
    answers_are,
    close_incident,
    import_full,
    import_supplement,
    publish,
    rejects,
    retire,
    states_are,
    summarise,
)
from tests.support.deployment import INCIDENT_SLUG, Deployment, make_row

SCENARIOS: dict[str, list[Step]] = {
    "a staged data set is invisible": [
        import_full("A", mina="confirmed name"),
        states_are(A="staged"),
        answers_are(mina=""),
        publish("A"),
        states_are(A="published"),
        answers_are(mina="confirmed name", stranger=""),
    ],
    "a newer full set replaces the older one with all its items": [
        import_full("A", mina="confirmed name email"),
        publish("A"),
        import_full("B", mina="possible name×3"),
        answers_are(mina="confirmed name email"),
        publish("B"),
        states_are(A="superseded", B="published"),
        answers_are(mina="possible name×3"),
    ],
    "a person only in a superseded set is under review": [
        import_full("A", mina="confirmed name email"),
        publish("A"),
        import_full("B", jun="confirmed name"),
        publish("B"),
        answers_are(mina="under_review name email", jun="confirmed name"),
    ],
    "only an explicit row withdraws a person": [
        import_full("A", mina="confirmed name", jun="confirmed name"),
        publish("A"),
        import_full("B", mina="withdrawn name"),
        publish("B"),
        answers_are(mina="withdrawn name", jun="under_review name"),
    ],
    "a withdrawn person who is missing from the next set is under review": [
        import_full("A", mina="withdrawn name"),
        publish("A"),
        import_full("B"),
        publish("B"),
        answers_are(mina="under_review name"),
    ],
    "a supplement adds people and merges items": [
        import_full("A", mina="confirmed name email"),
        publish("A"),
        import_supplement("S", mina="confirmed name×2 order", jun="possible phone"),
        answers_are(mina="confirmed name email", jun=""),
        publish("S"),
        states_are(A="published", S="published"),
        answers_are(mina="confirmed name×3 email order", jun="possible phone"),
    ],
    "the newest set that contains a person decides the confidence, even downwards": [
        import_full("A", mina="confirmed name", jun="possible name", sora="confirmed name"),
        publish("A"),
        import_supplement("S", mina="possible order", jun="confirmed order"),
        publish("S"),
        import_supplement("T", jun="withdrawn name"),
        publish("T"),
        answers_are(mina="possible name order", jun="withdrawn name×2 order", sora="confirmed name"),
    ],
    "supplements are superseded with their full set": [
        import_full("A", mina="confirmed name"),
        publish("A"),
        import_supplement("S", mina="confirmed order", jun="confirmed phone"),
        publish("S"),
        import_full("B", mina="confirmed email"),
        publish("B"),
        states_are(A="superseded", S="superseded", B="published"),
        answers_are(mina="confirmed email", jun="under_review phone"),
        rejects(publish("S")),
    ],
    "the items of a superseded generation are merged under review": [
        import_full("A", mina="confirmed name"),
        publish("A"),
        import_supplement("S", mina="possible order"),
        publish("S"),
        import_full("B"),
        publish("B"),
        answers_are(mina="under_review name order"),
    ],
    "publishing a superseded set rolls back and hides everything newer": [
        import_full("A", mina="confirmed name"),
        publish("A"),
        import_supplement("S", mina="possible order"),
        publish("S"),
        import_full("B", mina="withdrawn name", jun="confirmed name"),
        publish("B"),
        answers_are(mina="withdrawn name", jun="confirmed name"),
        publish("A"),
        states_are(A="published", S="published", B="staged"),
        answers_are(mina="possible name order", jun=""),
    ],
    "a roll-back over two generations undoes both": [
        import_full("A", mina="confirmed name"),
        publish("A"),
        import_full("B", jun="confirmed name"),
        publish("B"),
        import_full("C", sora="confirmed name"),
        publish("C"),
        answers_are(mina="under_review name", jun="under_review name", sora="confirmed name"),
        publish("A"),
        states_are(A="published", B="staged", C="staged"),
        answers_are(mina="confirmed name", jun="", sora=""),
    ],
    "a roll-back to the middle keeps what was superseded before": [
        import_full("A", mina="confirmed name"),
        publish("A"),
        import_full("B", jun="confirmed name"),
        publish("B"),
        import_full("C", sora="confirmed name"),
        publish("C"),
        publish("B"),
        states_are(A="superseded", B="published", C="staged"),
        answers_are(mina="under_review name", jun="confirmed name", sora=""),
    ],
    "an undone generation can be published again with its supplements": [
        import_full("A", mina="confirmed name"),
        publish("A"),
        import_full("B", mina="possible name"),
        publish("B"),
        import_supplement("S", mina="confirmed order", jun="confirmed order"),
        publish("S"),
        publish("A"),
        states_are(A="published", B="staged", S="staged"),
        answers_are(mina="confirmed name", jun=""),
        publish("B"),
        states_are(A="superseded", B="published", S="published"),
        answers_are(mina="confirmed name order", jun="confirmed order"),
    ],
    "an undone supplement can be published with another full set and stays there": [
        import_full("A", mina="confirmed name"),
        publish("A"),
        import_full("B"),
        publish("B"),
        import_supplement("S", mina="confirmed order"),
        publish("S"),
        publish("A"),
        publish("S"),
        answers_are(mina="confirmed name order"),
        publish("B"),
        states_are(A="superseded", B="published", S="superseded"),
        answers_are(mina="under_review name order"),
    ],
    "a supplement without a full set is rejected": [
        import_supplement("S", mina="confirmed name"),
        rejects(publish("S")),
        states_are(S="staged"),
        answers_are(mina=""),
    ],
    "a published set cannot be published again or retired": [
        import_full("A", mina="confirmed name"),
        publish("A"),
        rejects(publish("A"), retire("A")),
        answers_are(mina="confirmed name"),
    ],
    "a retired set is gone for good": [
        import_full("A", mina="confirmed name", jun="confirmed name"),
        publish("A"),
        import_full("B", mina="possible name"),
        publish("B"),
        retire("A"),
        states_are(A="retired", B="published"),
        answers_are(mina="possible name", jun=""),
        rejects(publish("A"), retire("A")),
    ],
    "a staged set can be retired": [
        import_full("A", mina="confirmed name"),
        retire("A"),
        states_are(A="retired"),
        answers_are(mina=""),
        rejects(publish("A")),
    ],
    "a supplement can be retired after its full set was superseded": [
        import_full("A", mina="confirmed name"),
        publish("A"),
        import_supplement("S", mina="confirmed order", jun="confirmed name"),
        publish("S"),
        rejects(retire("S")),
        import_full("B"),
        publish("B"),
        retire("S"),
        answers_are(mina="under_review name", jun=""),
        publish("A"),
        states_are(A="published", S="retired", B="staged"),
        answers_are(mina="confirmed name", jun=""),
    ],
    "a roll-back undoes a supplement whose full set was retired meanwhile": [
        import_full("A", mina="confirmed name"),
        publish("A"),
        import_full("B"),
        publish("B"),
        import_supplement("S", mina="withdrawn order", jun="confirmed name"),
        publish("S"),
        import_full("C"),
        publish("C"),
        retire("B"),
        answers_are(mina="under_review order", jun="under_review name"),
        publish("A"),
        states_are(A="published", B="retired", S="staged", C="staged"),
        answers_are(mina="confirmed name", jun=""),
    ],
    "the last set of a closed incident can be retired": [
        import_full("A", mina="confirmed name"),
        publish("A"),
        close_incident,
        retire("A"),
        states_are(A="retired"),
        answers_are(mina=""),
    ],
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_answers_after_each_step(name: str, deployment: Deployment) -> None:
    scenario = Scenario(deployment)
    for step in SCENARIOS[name]:
        step(scenario)


def test_answer_lists_published_data_sets_newest_first(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    deployment.import_and_publish([make_row("a2", email="jun@example.com", items="name")], kind="supplement")
    answer = deployment.get_exposures("mina@example.com")
    assert [(dataset["version"], dataset["result"]) for dataset in answer["datasets"]] == [
        (2, "not_found"),
        (1, "found"),
    ]


def test_incidents_are_independent(deployment: Deployment) -> None:
    other = deployment.incident.model_copy(update={"slug": "other-2026"})
    deployment.create_incident(other)
    rows = [make_row("a1", email="mina@example.com", items="name")]
    deployment.import_and_publish(rows)
    deployment.import_and_publish(rows, incident="other-2026")
    deployment.import_and_publish([make_row("a2", email="jun@example.com", items="name")], incident="other-2026")
    summaries = {
        exposure["incident"]: summarise(exposure)
        for exposure in deployment.get_exposures("mina@example.com")["exposures"]
    }
    assert summaries == {INCIDENT_SLUG: "confirmed name", "other-2026": "under_review name"}


def test_a_loss_of_people_must_be_accepted_explicitly(deployment: Deployment) -> None:
    people = [make_row(f"a{number}", email=f"p{number}@example.com", items="name") for number in range(5)]
    first = deployment.import_and_publish(people)
    second = deployment.import_rows(people[:3]).id
    for too_few in (0, 1):
        with pytest.raises(StateConflict, match="2 of 5 people"):
            deployment.publish(second, accept_loss=too_few)
    with deployment.database.read() as db:
        states = {dataset.id: dataset.state for dataset in datasets.list_all(db)}
    assert states == {first: "published", second: "staged"}
    deployment.publish(second, accept_loss=2)
    with pytest.raises(StateConflict, match="--kind supplement"):
        deployment.publish(deployment.import_rows(people[:1]).id, accept_loss=1)
    deployment.publish(first, accept_loss=0)  # a roll-back without a loss needs no permission

"""Steps of the life cycle scenarios: functions that operate on a deployment or check it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from app.datasets import service as datasets
from app.datasets.errors import StateConflict
from app.datasets.lifecycle import DataSet
from app.incidents import service as incidents
from tests.support.deployment import Deployment, make_row


@dataclass
class Scenario:
    """A deployment and the ids of its data sets by the names that the scenario gives them."""

    deployment: Deployment
    dataset_ids: dict[str, UUID] = field(default_factory=dict)

    def read_data_sets(self) -> dict[str, DataSet]:
        with self.deployment.database.read() as db:
            return {name: datasets.get(db, dataset) for name, dataset in self.dataset_ids.items()}


Step = Callable[[Scenario], None]


def _import_step(kind: str, name: str, people: dict[str, str]) -> Step:
    """Import a data set as staged. Each person is described as "confidence item item×count …"."""

    def step(scenario: Scenario) -> None:
        rows = [make_row("bystander", email="bystander@example.com", items="name")]
        for person, description in people.items():
            confidence, *items = description.split()
            for item_with_count in items:
                item, _, count = item_with_count.partition("×")
                columns = {"items": item, "count": count or 1, "confidence": confidence, "cohort": name}
                rows.append(make_row(person, email=f"{person}@example.com", **columns))
        scenario.dataset_ids[name] = scenario.deployment.import_rows(rows, kind=kind).id

    return step


def import_full(name: str, **people: str) -> Step:
    return _import_step("full", name, people)


def import_supplement(name: str, **people: str) -> Step:
    return _import_step("supplement", name, people)


def publish(name: str) -> Step:
    return lambda scenario: scenario.deployment.publish(scenario.dataset_ids[name])


def retire(name: str) -> Step:
    return lambda scenario: scenario.deployment.retire(scenario.dataset_ids[name])


def close_incident(scenario: Scenario) -> None:
    closed = scenario.deployment.incident.model_copy(update={"status": "closed"})
    with scenario.deployment.change_catalog() as db:
        incidents.update_incident(db, closed, now=scenario.deployment.clock())


def rejects(*steps: Step) -> Step:
    """Check that each of the steps is rejected and changes nothing."""

    def step(scenario: Scenario) -> None:
        before = scenario.read_data_sets()
        for rejected_step in steps:
            with pytest.raises(StateConflict):
                rejected_step(scenario)
        assert scenario.read_data_sets() == before

    return step


def states_are(**expected_states: str) -> Step:
    """Check the state of each data set."""

    def step(scenario: Scenario) -> None:
        assert {name: dataset.state for name, dataset in scenario.read_data_sets().items()} == expected_states

    return step


def answers_are(**people: str) -> Step:
    """Check the answer to each person: "confidence item item×count …", or empty for a person who is not affected."""

    def step(scenario: Scenario) -> None:
        published = {dataset.version for dataset in scenario.read_data_sets().values() if dataset.state == "published"}
        for person, expected in people.items():
            answer = scenario.deployment.get_exposures(f"{person}@example.com")
            assert {dataset["version"] for dataset in answer["datasets"]} == published
            assert [summarise(exposure) for exposure in answer["exposures"]] == ([expected] if expected else [])

    return step


def summarise(exposure: dict[str, Any]) -> str:
    """Return an exposure as "confidence item item×count …"."""
    items = [item["kind"] + (f"×{item['count']}" if item["count"] > 1 else "") for item in exposure["items"]]
    return " ".join([exposure["confidence"], *items])

"""Helpers for tests of canaries."""

from typing import Any
from uuid import UUID

from app.datasets import service as datasets
from app.datasets.canary_index import CanaryIndex
from app.datasets.lifecycle import DataSet
from app.importing import ImportResult
from app.source_files import write_source_file
from app.synthetic import synthesize
from tests.support.deployment import Deployment, make_row

CANARY_COUNT = 12
PEOPLE = [
    make_row("a1", email="mina@example.com", phone="010-2000-0001", name="김민아", items="name|email", cohort="list"),
    make_row("a1", address="서울 강남구 테헤란로 12", items="address", count=3, cohort="edit"),
    make_row("a2", email="jun@example.com", name="박준|Jun Park", items="name", confidence="possible"),
    make_row("a2", recipient_ref="r1", phone="010-2000-0003", items="phone"),
    make_row("a3", name="아무도", items="name"),  # no identifier
]


def list_canaries(deployment: Deployment, dataset: UUID) -> list[str]:
    with deployment.database.read() as db:
        return datasets.list_canaries(db, dataset, keys=deployment.keys)


def load_index(deployment: Deployment) -> CanaryIndex:
    index = CanaryIndex(deployment.keys)
    index.refresh(deployment.database)
    return index


def find_incident(index: CanaryIndex, identifier: str) -> str | None:
    return index.find_incident("email" if "@" in identifier else "phone", identifier)


def cohort_counts(deployment: Deployment, dataset: UUID) -> list[tuple[str, str, int]]:
    with deployment.database.read() as db:
        counts = datasets.diff(db, dataset, dataset, keys=deployment.keys)
    return [(count.cohort, count.item, count.after) for count in counts]


def get_data_set(deployment: Deployment, dataset: UUID) -> DataSet:
    with deployment.database.read() as db:
        return datasets.get(db, dataset)


def import_synthetic(deployment: Deployment, accounts: int, **request: Any) -> ImportResult:
    file = deployment.folder / "many.csv"
    write_source_file(file, synthesize(accounts, seed=5))
    return deployment.import_file(file, **request)

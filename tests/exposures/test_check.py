"""Holding a value against one's own records: matched or not recognised, and nothing about anybody else."""

import pytest

from tests.support.deployment import Deployment, row

PHONE = "010-2000-0002"
PEOPLE = [
    row(
        "a1",
        phone=PHONE,
        email="jisoo@example.com",
        name="박지수",
        address="서울특별시 강남구 테헤란로 12, 101동 1203호|서울특별시 강남구 역삼동 123-4",
        items="name|phone",
    ),
    row("a2", phone="010-3000-0003", name="이서연", address="부산광역시 해운대구 센텀로 1", items="name|address"),
]


def check(deployment: Deployment, headers: dict[str, str], kind: str, value: str) -> list[tuple[bool, str]]:
    answer = deployment.client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
    assert answer.status_code == 200, answer.text
    assert answer.json()["kind"] == kind
    return [(one["item_exposed"], one["value"]) for one in answer.json()["results"]]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("name", "박 지수", (True, "matched")),
        ("name", "박지숙", (True, "not_recognised")),
        ("name", "이서연", (True, "not_recognised")),  # somebody else's, and in the same data set
        ("phone", "+82 10 2000 0002", (True, "matched")),
        ("phone", "010-3000-0003", (True, "not_recognised")),
        ("email", "JISOO@example.com", (False, "matched")),  # known by it, and it did not leak
        ("address", "서울 강남구 테헤란로 12 101-1203", (False, "matched")),
        ("address", "서울시 강남구 역삼동 123-4", (False, "matched")),
        ("address", "부산광역시 해운대구 센텀로 1", (False, "not_recognised")),
    ],
)
def test_a_value_is_compared_in_ones_own_records_only(
    deployment: Deployment, kind: str, value: str, expected: tuple[bool, str]
) -> None:
    deployment.publish_rows(PEOPLE)
    assert check(deployment, deployment.sign_in(PHONE), kind, value) == [expected]


def test_who_is_not_affected_has_no_records(deployment: Deployment) -> None:
    deployment.publish_rows(PEOPLE)
    assert check(deployment, deployment.sign_in("010-9999-9999"), "name", "박지수") == []


@pytest.mark.parametrize(("kind", "value"), [("phone", "118"), ("email", "@"), ("name", " "), ("address", "\u200b")])
def test_what_cannot_be_a_value_is_refused(deployment: Deployment, kind: str, value: str) -> None:
    deployment.publish_rows(PEOPLE)
    headers = deployment.sign_in(PHONE)
    answer = deployment.client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-value")
    assert answer.json()["errors"][0]["pointer"] == "/value"


def test_an_exposure_is_named_anew_in_each_session_and_alike_within_one(deployment: Deployment) -> None:
    deployment.publish_rows(PEOPLE)
    names = []
    for _ in range(2):
        headers = deployment.sign_in(PHONE)
        (exposure,) = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
        (again,) = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
        assert exposure["id"] == again["id"]
        names.append(exposure["id"])
    assert names[0] != names[1]


def test_hints_are_masked_and_only_where_the_incident_allows(deployment: Deployment) -> None:
    deployment.publish_rows(PEOPLE)
    items = {item["kind"]: item for item in deployment.exposures(PHONE)["exposures"][0]["items"]}
    assert items["name"]["hints"] == ["박*수"]
    assert items["phone"]["hints"] == ["010-****-0002"]
    silent = deployment.incident.model_copy(update={"slug": "silent", "hints": False})
    deployment.create_incident(silent)
    deployment.publish_rows(PEOPLE, incident="silent")
    exposures = deployment.exposures(PHONE)["exposures"]
    assert [one["incident"] for one in exposures if any("hints" in item for item in one["items"])] == ["sample-2025"]


def test_what_to_do_is_about_what_leaked(deployment: Deployment) -> None:
    deployment.publish_rows(
        [row("a1", phone=PHONE, items="email"), row("a2", email="b@example.com", items="door_code")]
    )
    assert deployment.exposures(PHONE)["exposures"][0]["actions"] == ["change-reused-password"]
    assert deployment.exposures("b@example.com")["exposures"][0]["actions"] == ["change-door-code"]

"""People to import, and a request that checks a value against their records."""

from tests.support.deployment import Deployment, make_row

PHONE = "010-2000-0002"
PEOPLE = [
    make_row(
        "a1",
        phone=PHONE,
        email="jisoo@example.com",
        name="박지수",
        address="서울특별시 강남구 테헤란로 12, 101동 1203호|서울특별시 강남구 역삼동 123-4",
        items="name|phone",
    ),
    make_row(
        "a2",
        phone="010-3000-0003",
        email="seoyeon@example.com",
        name="이서연",
        address="부산광역시 해운대구 센텀로 1",
        items="name|address",
    ),
]


def check_value(deployment: Deployment, headers: dict[str, str], kind: str, value: str) -> list[tuple[bool, str]]:
    answer = deployment.client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
    assert answer.status_code == 200, answer.text
    assert answer.json()["kind"] == kind
    return [(result["item_exposed"], result["value"]) for result in answer.json()["results"]]


OWN_IDENTIFIERS = ["jisoo@example.com", "old@example.com", PHONE, "010-2000-0022"]


def kind_of(identifier: str) -> str:
    return "email" if "@" in identifier else "phone"

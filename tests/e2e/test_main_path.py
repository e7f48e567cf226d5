"""The main path end to end, with only the sender faked: request a code, confirm, read, check, acknowledge, sign out."""

import json

from app.acknowledgements import Receipt, ReceiptKey, verify_signature
from tests.support.deployment import Deployment, make_row

HOLDER_ROW = make_row("a1", email="Min.Kim@example.com", name="김민수", items="name|email", cohort="profile-edit")
OTHER_ROWS = [
    make_row(
        "a2", email="jisoo@example.com", phone="010-2000-0002", name="박지수", items="name|email", cohort="profile-edit"
    ),
    make_row(
        "a2",
        phone="010-2000-0002",
        name="박지수",
        address="서울특별시 강남구 테헤란로 12, 101동 1203호",
        items="name|phone|address|order",
        cohort="order-list",
        count=3,
    ),
    make_row("a1", recipient_ref="r1", phone="010-3000-0003", name="이서연", items="name|phone", cohort="address-list"),
    make_row(
        "a2",
        recipient_ref="r7",
        phone="010-3000-0003",
        name="이서연",
        items="name|phone|address",
        cohort="address-list",
    ),
]


def test_a_holder_with_name_and_email_only(deployment: Deployment) -> None:
    deployment.import_and_publish([HOLDER_ROW, *OTHER_ROWS])
    (exposure,) = deployment.get_exposures("min.kim@EXAMPLE.com")["exposures"]
    assert [item["kind"] for item in exposure["items"]] == ["name", "email"]
    assert exposure["role"] == "holder"
    assert exposure["cohorts"] == ["profile-edit"]
    assert exposure["identifiers"] == ["email"]


def test_a_holder_with_phone_address_and_order(deployment: Deployment) -> None:
    deployment.import_and_publish([HOLDER_ROW, *OTHER_ROWS])
    (exposure,) = deployment.get_exposures("82 10 2000 0002")["exposures"]
    assert {item["kind"]: item["count"] for item in exposure["items"]} == {
        "name": 4,
        "email": 1,
        "phone": 3,
        "address": 3,
        "order": 3,
    }
    assert exposure["cohorts"] == ["order-list", "profile-edit"]


def test_several_entries_of_a_recipient_are_one_exposure(deployment: Deployment) -> None:
    deployment.import_and_publish([HOLDER_ROW, *OTHER_ROWS])
    (exposure,) = deployment.get_exposures("010-3000-0003")["exposures"]
    assert exposure["role"] == "recipient"
    assert {item["kind"]: item["count"] for item in exposure["items"]} == {"name": 2, "phone": 2, "address": 1}


def test_an_unaffected_person_is_not_found_in_any_data_set(deployment: Deployment) -> None:
    deployment.import_and_publish([HOLDER_ROW, *OTHER_ROWS])
    body = deployment.get_exposures("010-9999-9999")
    assert body["exposures"] == []
    assert [dataset["result"] for dataset in body["datasets"]] == ["not_found"]


def test_two_identifiers_of_one_person_are_one_exposure(deployment: Deployment) -> None:
    deployment.import_and_publish([HOLDER_ROW, *OTHER_ROWS])
    body = deployment.get_exposures("jisoo@example.com", "010-2000-0002")
    assert [identifier["kind"] for identifier in body["identifiers"]] == ["email", "phone"]
    (exposure,) = body["exposures"]
    assert exposure["identifiers"] == ["email", "phone"]
    assert {item["kind"]: item["count"] for item in exposure["items"]}["name"] == 4


def test_the_complete_path(deployment: Deployment) -> None:
    deployment.import_and_publish([HOLDER_ROW, *OTHER_ROWS])
    client = deployment.client
    headers = deployment.sign_in("010-2000-0002")
    (exposure,) = client.get("/v1/exposures", headers=headers).json()["exposures"]

    checked = client.post(
        "/v1/exposures/check",
        headers=headers,
        json={"kind": "address", "value": "서울 강남구 테헤란로 12 101-1203 (역삼동)"},
    ).json()
    assert checked["results"] == [{"exposure_id": exposure["id"], "item_exposed": True, "value": "matched"}]

    body = {"exposure_id": exposure["id"], "notice_version": exposure["notice_version"], "locale": "ko"}
    created = client.post("/v1/acknowledgements", headers=headers, json=body)
    repeated = client.post("/v1/acknowledgements", headers=headers, json=body)
    assert (created.status_code, repeated.status_code) == (201, 200)
    assert created.json() == repeated.json()
    (key,) = client.get("/v1/receipt-keys").json()["keys"]
    payload = json.loads(verify_signature(Receipt(**created.json()), ReceiptKey(key["kid"], key["public_key"])))
    assert payload["shown_by"] == ["phone"]
    assert "포기하거나 제한하지 않습니다" in payload["statement"]
    notice = client.get("/v1/incidents/sample-2025/notice?locale=ko").json()
    assert payload["notice_sha256"] == notice["sha256"]

    (acknowledged_exposure,) = client.get("/v1/exposures", headers=headers).json()["exposures"]
    assert acknowledged_exposure["acknowledged"] == {"notice_version": 1, "at": payload["acknowledged_at"]}
    assert client.get("/v1/acknowledgements", headers=headers).json() == {"acknowledgements": [created.json()]}

    assert client.delete("/v1/session", headers=headers).status_code == 204
    assert client.get("/v1/exposures", headers=headers).status_code == 401

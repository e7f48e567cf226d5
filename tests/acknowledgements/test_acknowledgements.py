"""Acknowledgements are idempotent; receipts can be verified by anybody and waive no right."""

import base64
import json
import threading
from typing import Any

import httpx
import pytest

from app.acknowledgements import InvalidReceipt, Receipt, ReceiptKey, verify_signature
from app.crypto import mac_inputs
from app.datasets.kdf_params import load_params as load_kdf_params
from app.exposures import IdentifierDigest
from app.incidents import service as incidents
from tests.support.deployment import Deployment, make_row

PHONE, OTHER_PHONE, EMAIL = "010-3000-0003", "010-3000-0004", "seo@example.com"
ROWS = [
    make_row("a1", recipient_ref="r1", phone=PHONE, email=EMAIL, name="이서연", items="name|phone"),
    make_row("a2", recipient_ref="r7", phone=PHONE, name="이서연", items="name|phone|address"),
    make_row("a3", recipient_ref="r9", email=EMAIL, name="이서연", items="name"),
    make_row("a4", phone=OTHER_PHONE, name="박지수", items="name"),
]


def own_exposure(deployment: Deployment, headers: dict[str, str]) -> dict[str, Any]:
    (exposure,) = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
    result: dict[str, Any] = exposure
    return result


def acknowledge(
    deployment: Deployment, headers: dict[str, str], version: int = 1, **overrides: object
) -> httpx.Response:
    body = {"exposure_id": own_exposure(deployment, headers)["id"], "notice_version": version, "locale": "ko"}
    return deployment.client.post("/v1/acknowledgements", headers=headers, json=body | overrides)


def test_concurrent_acknowledgements_create_one_receipt(deployment: Deployment) -> None:
    deployment.import_and_publish(ROWS)
    headers = deployment.sign_in(PHONE)
    exposure = own_exposure(deployment, headers)["id"]
    answers: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(acknowledge(deployment, headers, exposure_id=exposure)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.text for answer in answers}) == 1
    assert deployment.execute_sql("SELECT count(*) FROM receipts") == [(1,)]
    assert deployment.execute_sql("SELECT count(*) FROM acknowledgements") == [(2,)]  # under each of the two entries


def test_another_session_gets_the_same_receipt(deployment: Deployment) -> None:
    deployment.import_and_publish(ROWS)
    first = acknowledge(deployment, deployment.sign_in(PHONE))
    headers = deployment.sign_in(PHONE)
    again = acknowledge(deployment, headers, locale="en")
    assert (again.status_code, again.json()) == (200, first.json())
    assert deployment.client.get("/v1/acknowledgements", headers=headers).json()["acknowledgements"] == [first.json()]


def test_entries_found_later_need_another_acknowledgement(deployment: Deployment) -> None:
    """The phone finds two of three entries; the email finds the third, which is not acknowledged yet."""
    deployment.import_and_publish(ROWS)
    headers = deployment.sign_in(PHONE)
    first = acknowledge(deployment, headers)
    deployment.clock.advance(seconds=1)
    headers = deployment.sign_in(EMAIL, headers)
    assert "acknowledged" not in own_exposure(deployment, headers)
    second = acknowledge(deployment, headers)
    assert second.status_code == 201
    assert acknowledge(deployment, headers).json() == second.json() != first.json()
    receipts = deployment.client.get("/v1/acknowledgements", headers=headers).json()["acknowledgements"]
    assert receipts == [first.json(), second.json()]


def test_a_superseded_notice_cannot_be_acknowledged(deployment: Deployment) -> None:
    deployment.import_and_publish(ROWS)
    headers = deployment.sign_in(PHONE)
    old = acknowledge(deployment, headers)
    english = deployment.incident.notice.en.model_copy(update={"response": "More is known now."})
    notice = deployment.incident.notice.model_copy(update={"en": english})
    with deployment.change_catalog() as db:
        changed = deployment.incident.model_copy(update={"notice": notice})
        assert incidents.update_incident(db, changed, now=deployment.clock()) == 2
    answer = acknowledge(deployment, headers, version=1)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/notice-superseded")
    exposure = own_exposure(deployment, headers)
    assert exposure["notice_version"] == 2
    assert exposure["acknowledged"]["notice_version"] == 1
    new = acknowledge(deployment, headers, version=2)
    assert new.status_code == 201
    assert new.json() != old.json()
    assert acknowledge(deployment, headers, version=3).status_code == 409


def test_only_own_exposures_can_be_acknowledged(deployment: Deployment) -> None:
    deployment.import_and_publish(ROWS)
    headers = deployment.sign_in(PHONE)
    others_exposure = own_exposure(deployment, deployment.sign_in(OTHER_PHONE))["id"]
    for exposure in (others_exposure, "0" * 32, "x"):
        answer = acknowledge(deployment, headers, exposure_id=exposure)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-exposure")
    assert deployment.execute_sql("SELECT count(*) FROM receipts") == [(0,)]
    assert deployment.client.get("/v1/acknowledgements", headers=headers).json() == {"acknowledgements": []}


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_a_receipt_is_verified_offline_and_waives_no_right(deployment: Deployment, locale: str) -> None:
    deployment.import_and_publish(ROWS)
    receipt = Receipt(**acknowledge(deployment, deployment.sign_in(PHONE), locale=locale).json())
    (published,) = deployment.client.get("/v1/receipt-keys").json()["keys"]
    assert published["alg"] == "Ed25519"
    key = ReceiptKey(published["kid"], published["public_key"])
    payload = json.loads(verify_signature(receipt, key))
    assert set(payload) == {
        "receipt_id",
        "incident",
        "notice_version",
        "notice_sha256",
        "locale",
        "acknowledged_at",
        "shown_by",
        "statement",
    }
    assert ("waives and limits no right" if locale == "en" else "포기하거나 제한하지 않습니다") in payload["statement"]
    raw = bytearray(base64.urlsafe_b64decode(receipt.payload + "=="))
    raw[10] ^= 1
    changed = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    for invalid in (
        Receipt(receipt.kid, changed, receipt.signature),
        Receipt(receipt.kid, receipt.payload, receipt.signature[:-4] + "AAAA"),
        Receipt(receipt.kid, receipt.payload, "short"),
        Receipt(receipt.kid, "no base64url!", receipt.signature),
        Receipt("another", receipt.payload, receipt.signature),
    ):
        with pytest.raises(InvalidReceipt):
            verify_signature(invalid, key)
    with pytest.raises(InvalidReceipt):
        verify_signature(receipt, ReceiptKey(key.kid, "AAAA"))


def test_stored_subjects_are_encrypted(deployment: Deployment) -> None:
    """The stored subject is not the one in the record."""
    deployment.import_and_publish(ROWS)
    acknowledge(deployment, deployment.sign_in(OTHER_PHONE))
    ((stored,),) = deployment.execute_sql("SELECT subject FROM acknowledgements")
    services = deployment.app.state.services
    with deployment.database.read() as db:
        scheme = load_kdf_params(db)
        assert scheme is not None
        digest = scheme.stretch(services.keyholder.mac(mac_inputs.identifier_input("phone", "+821030000004")))
        (exposure,) = services.exposures.find(db, [IdentifierDigest("phone", digest)]).exposures
    assert len(bytes(stored)) == 16
    assert bytes(stored) not in exposure.subjects

"""The list of one's exposures: its ids, hints and actions."""

from uuid import UUID

from app.exposures import Exposure
from tests.exposures.helpers import PEOPLE, PHONE
from tests.support.deployment import Deployment, make_row


def test_repr_of_an_exposure_hides_secrets() -> None:
    exposure = Exposure(
        incident="sample",
        role="holder",
        confidence="confirmed",
        items={},
        hints={},
        cohorts=(),
        identifiers=("email",),
        subjects=(b"s" * 16,),
        tags={"name": frozenset({b"tagtagta"})},
        locators=frozenset({(UUID(int=1), b"l" * 16)}),
    )
    for text in (repr(exposure), str(exposure), f"{exposure}"):
        assert not any(secret in text for secret in ("ssss", "tagtag", "llll"))


def test_exposure_ids_are_stable_within_a_session_and_differ_between_sessions(deployment: Deployment) -> None:
    deployment.import_and_publish(PEOPLE)
    exposure_ids = []
    for _ in range(2):
        headers = deployment.sign_in(PHONE)
        (exposure,) = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
        (repeated,) = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
        assert exposure["id"] == repeated["id"]
        exposure_ids.append(exposure["id"])
    assert exposure_ids[0] != exposure_ids[1]


def test_hints_are_masked_and_shown_only_if_the_incident_allows(deployment: Deployment) -> None:
    deployment.import_and_publish(PEOPLE)
    items = {item["kind"]: item for item in deployment.get_exposures(PHONE)["exposures"][0]["items"]}
    assert items["name"]["hints"] == ["박*수"]
    assert items["phone"]["hints"] == ["010-****-0002"]
    without_hints = deployment.incident.model_copy(update={"slug": "without-hints", "hints": False})
    deployment.create_incident(without_hints)
    deployment.import_and_publish(PEOPLE, incident="without-hints")
    exposures = deployment.get_exposures(PHONE)["exposures"]
    assert [exposure["incident"] for exposure in exposures if any("hints" in item for item in exposure["items"])] == [
        "sample-2025"
    ]


def test_actions_are_those_for_the_leaked_items(deployment: Deployment) -> None:
    deployment.import_and_publish(
        [make_row("a1", phone=PHONE, items="email"), make_row("a2", email="b@example.com", items="door_code")]
    )
    assert deployment.get_exposures(PHONE)["exposures"][0]["actions"] == ["change-reused-password"]
    assert deployment.get_exposures("b@example.com")["exposures"][0]["actions"] == ["change-door-code"]

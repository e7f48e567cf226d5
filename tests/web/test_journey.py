"""The whole journey with forms only, in both languages."""

import json

import pytest

from app.acknowledgements import Receipt, ReceiptKey, verify_signature
from app.acknowledgements.receipts import STATEMENTS
from app.incidents import service as incidents
from app.locales import Locale
from app.web.texts import TEXTS
from tests.support.deployment import Deployment, make_row
from tests.web.helpers import HOLDER_PHONE, RECIPIENT_PHONE, SAMPLE_ROWS, UNAFFECTED_PHONE, BrowserUser


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_the_whole_journey(deployment: Deployment, locale: Locale) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    t = TEXTS[locale]
    with BrowserUser(deployment) as user:
        user.open(f"/?lang={locale}")
        assert f'<html lang="{locale}">' in user.page.text
        assert t.start.title in user.text

        user.submit("/verify", identifier=HOLDER_PHONE)
        assert t.code.title in user.text
        assert "010-****-0002" in user.text
        (message,) = deployment.deliver_outbox()
        assert message.locale == locale
        user.submit("/confirm", code=message.code)

        assert user.page.status_code == 200
        assert t.answer.holder.confirmed.title in user.text
        assert deployment.incident.title.model_dump()[locale] in user.text
        for kind, count in {"name": 4, "email": 1, "phone": 3, "address": 3, "order": 3}.items():
            label = next(item.label for item in deployment.incident.items if item.kind == kind)
            assert f"{label.model_dump()[locale]} {t.answer.times_viewed.format(count=count)}" in user.text
        assert "서울 강남구 ***" in user.text
        assert {"tel:118", "tel:1332", "https://www.msafer.or.kr"} <= set(user.links)
        notice = deployment.incident.notice.in_locale(locale)
        for name, text in notice:
            assert text in user.text
            assert getattr(t.notice, name) in user.text
        assert STATEMENTS[locale] in user.text

        user.submit("/check", kind="address", value="서울 강남구 테헤란로 12 101-1203 (역삼동)")
        assert t.check.matched_exposed in user.text
        user.submit("/check", kind="name", value="홍길동")
        assert t.check.unmatched_exposed in user.text

        user.submit("/acknowledge")
        assert user.page.url.path == "/answer"
        assert t.notice.acknowledged_at.format(at="X").split("X")[-1] in user.text
        assert "/acknowledge" not in user.form_actions

        user.open("/receipts")
        assert STATEMENTS[locale] in user.text
        file = user.client.get("/receipts/1")
        assert file.headers["content-disposition"] == 'attachment; filename="receipt-1.json"'
        (key,) = deployment.client.get("/v1/receipt-keys").json()["keys"]
        payload = json.loads(verify_signature(Receipt(**file.json()), ReceiptKey(key["kid"], key["public_key"])))
        assert payload["locale"] == locale

        user.open("/answer")
        user.submit("/sign-out")
        assert t.start.signed_out in user.text
        assert not [name for name in user.client.cookies if name != "lang"]
        user.open("/answer")
        assert user.page.url.path == "/"
        assert t.start.verify_first in user.text


def test_korean_is_the_default_and_the_chosen_language_is_remembered(deployment: Deployment) -> None:
    with BrowserUser(deployment) as user:
        user.open("/")
        assert TEXTS["ko"].start.title in user.text
        assert "/?lang=en" in user.links
        user.open("/?lang=en")
        user.open("/")
        assert TEXTS["en"].start.title in user.text
        user.open("/?lang=xx")
        assert TEXTS["en"].start.title in user.text


def test_an_unaffected_person_can_add_another_identifier(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    ko = TEXTS["ko"].answer
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(UNAFFECTED_PHONE)
        assert ko.not_found.title in user.text
        assert ko.holder.confirmed.title not in user.text
        assert "/check" not in user.form_actions
        assert "/acknowledge" not in user.form_actions

        user.verify("jisoo@example.com")
        assert "010-****-9999" in user.text, "the first identifier must stay in the session"
        assert ko.holder.confirmed.title in user.text
        assert ko.not_found.title not in user.text


@pytest.mark.parametrize(
    ("identifier", "role", "confidence"),
    [
        (RECIPIENT_PHONE, "recipient", "confirmed"),
        ("maybe@example.com", "holder", "possible"),
        ("cleared@example.com", "holder", "withdrawn"),
    ],
)
def test_result_for_each_role_and_confidence(
    deployment: Deployment, identifier: str, role: str, confidence: str
) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    ko = TEXTS["ko"].answer
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(identifier)
        assert getattr(getattr(ko, role), confidence).title in user.text
        assert (ko.actions in user.text) == (confidence != "withdrawn")
        assert (ko.items_withdrawn in user.text) == (confidence == "withdrawn")


def test_a_person_only_in_a_superseded_data_set_is_under_review(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    deployment.import_and_publish(SAMPLE_ROWS[2:])
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(HOLDER_PHONE)
        assert TEXTS["ko"].answer.holder.under_review.title in user.text
        assert TEXTS["ko"].answer.not_found.title not in user.text
        assert deployment.incident.notice.ko.contact in user.text


def test_a_number_shared_by_21_people_cannot_tell(deployment: Deployment) -> None:
    shop_rows = [make_row(f"s{index}", phone="02-555-1234", name="홍길동", items="name|phone") for index in range(21)]
    deployment.import_and_publish([*SAMPLE_ROWS, *shop_rows])
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify("02-555-1234")
        assert TEXTS["ko"].answer.cannot_tell.title in user.text
        assert TEXTS["ko"].answer.not_found.title not in user.text


def test_no_published_data_set_is_not_reported_as_not_found(deployment: Deployment) -> None:
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(HOLDER_PHONE)
        assert TEXTS["ko"].answer.nothing_published.title in user.text
        assert TEXTS["ko"].answer.not_found.title not in user.text

        deployment.import_and_publish(SAMPLE_ROWS)
        user.open("/answer")
        assert user.page.url.path == "/"
        assert TEXTS["ko"].start.verify_again in user.text
        user.verify(HOLDER_PHONE)
        assert TEXTS["ko"].answer.holder.confirmed.title in user.text


@pytest.mark.parametrize("account_prefix", ["", "synthetic-"])
def test_synthetic_data_is_labelled(deployment: Deployment, account_prefix: str) -> None:
    deployment.import_and_publish([make_row(f"{account_prefix}1", phone=HOLDER_PHONE, name="박지수", items="name")])
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(UNAFFECTED_PHONE)
        assert (TEXTS["ko"].answer.synthetic in user.text) == bool(account_prefix)


def test_all_exposures_of_a_shared_number_are_acknowledged_at_once(deployment: Deployment) -> None:
    deployment.import_and_publish(
        [make_row(f"f{index}", phone=HOLDER_PHONE, name="박지수", items="name") for index in range(3)]
    )
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(HOLDER_PHONE)
        assert TEXTS["ko"].answer.several_people in user.text
        user.submit("/acknowledge")
        assert "/acknowledge" not in user.form_actions
        user.open("/receipts")
        assert [link for link in user.links if link.startswith("/receipts/")] == [
            "/receipts/1",
            "/receipts/2",
            "/receipts/3",
        ]


def test_a_changed_notice_must_be_acknowledged_again(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    changed_incident = deployment.incident.model_copy(
        update={
            "notice": deployment.incident.notice.model_copy(
                update={"en": deployment.incident.notice.en.model_copy(update={"relief": "Something new."})}
            )
        }
    )
    texts = TEXTS["ko"].notice
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(HOLDER_PHONE)
        old_page = user.page
        user.submit("/acknowledge")
        with deployment.change_catalog() as db:
            incidents.update_incident(db, changed_incident, now=deployment.clock())
        user.page = old_page
        user.submit("/acknowledge")
        assert user.page.status_code == 409
        assert texts.superseded in user.text
        assert texts.changed_since_read in user.text
        user.submit("/acknowledge")
        assert "/acknowledge" not in user.form_actions

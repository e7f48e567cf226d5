"""The journey by forms alone, in both languages."""

import json

import pytest

from app import incidents
from app.acknowledgements import Receipt, ReceiptKey, verify_signature
from app.acknowledgements.receipts import STATEMENTS
from app.faces.web.texts import TEXTS
from app.locales import Locale
from tests.faces.web.helpers import HOLDER_PHONE, SAMPLE_ROWS, RECIPIENT_PHONE, UNAFFECTED_PHONE, BrowserUser
from tests.support.deployment import Deployment, make_row


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_the_whole_journey(deployment: Deployment, locale: Locale) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    t = TEXTS[locale]
    with BrowserUser(deployment) as person:
        person.open(f"/?lang={locale}")
        assert f'<html lang="{locale}">' in person.page.text
        assert t.start.title in person.text

        person.submit("/verify", identifier=HOLDER_PHONE)
        assert t.code.title in person.text
        assert "010-****-0002" in person.text
        (message,) = deployment.deliver_outbox()
        assert message.locale == locale
        person.submit("/confirm", code=message.code)

        assert person.page.status_code == 200
        assert t.answer.holder.confirmed.title in person.text
        assert deployment.incident.title.model_dump()[locale] in person.text
        for item, count in {"name": 4, "email": 1, "phone": 3, "address": 3, "order": 3}.items():
            label = next(one.label for one in deployment.incident.items if one.kind == item)
            assert f"{label.model_dump()[locale]} {t.answer.views.format(count=count)}" in person.text
        assert "서울 강남구 ***" in person.text
        assert {"tel:118", "tel:1332", "https://www.msafer.or.kr"} <= set(person.links)
        notice = deployment.incident.notice.in_locale(locale)
        for name, text in notice:
            assert text in person.text
            assert getattr(t.notice, name) in person.text
        assert STATEMENTS[locale] in person.text

        person.submit("/check", kind="address", value="서울 강남구 테헤란로 12 101-1203 (역삼동)")
        assert t.check.matched_exposed in person.text
        person.submit("/check", kind="name", value="홍길동")
        assert t.check.unknown_exposed in person.text

        person.submit("/acknowledge")
        assert person.page.url.path == "/answer"
        assert t.notice.was_read.format(at="X").split("X")[-1] in person.text
        assert "/acknowledge" not in person.form_actions

        person.open("/receipts")
        assert STATEMENTS[locale] in person.text
        file = person.client.get("/receipts/1")
        assert file.headers["content-disposition"] == 'attachment; filename="receipt-1.json"'
        (key,) = deployment.client.get("/v1/receipt-keys").json()["keys"]
        payload = json.loads(verify_signature(Receipt(**file.json()), ReceiptKey(key["kid"], key["public_key"])))
        assert payload["locale"] == locale

        person.open("/answer")
        person.submit("/sign-out")
        assert t.start.signed_out in person.text
        assert not [name for name in person.client.cookies if name != "lang"]
        person.open("/answer")
        assert person.page.url.path == "/"
        assert t.start.verify_first in person.text


def test_the_other_language_is_kept_and_korean_is_the_first(deployment: Deployment) -> None:
    with BrowserUser(deployment) as person:
        person.open("/")
        assert TEXTS["ko"].start.title in person.text
        assert "/?lang=en" in person.links
        person.open("/?lang=en")
        person.open("/")
        assert TEXTS["en"].start.title in person.text
        person.open("/?lang=xx")
        assert TEXTS["en"].start.title in person.text


def test_an_unaffected_person_is_asked_for_other_identifiers(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    ko = TEXTS["ko"].answer
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(UNAFFECTED_PHONE)
        assert ko.not_found.title in person.text
        assert ko.holder.confirmed.title not in person.text
        assert "/check" not in person.form_actions
        assert "/acknowledge" not in person.form_actions

        person.verify("jisoo@example.com")
        assert "010-****-9999" in person.text, "the first identifier stays in the session"
        assert ko.holder.confirmed.title in person.text
        assert ko.not_found.title not in person.text


@pytest.mark.parametrize(
    ("identifier", "role", "confidence"),
    [
        (RECIPIENT_PHONE, "recipient", "confirmed"),
        ("maybe@example.com", "holder", "possible"),
        ("cleared@example.com", "holder", "withdrawn"),
    ],
)
def test_role_and_confidence_in_plain_words(
    deployment: Deployment, identifier: str, role: str, confidence: str
) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    ko = TEXTS["ko"].answer
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(identifier)
        assert getattr(getattr(ko, role), confidence).title in person.text
        assert (ko.actions in person.text) == (confidence != "withdrawn")
        assert (ko.items_withdrawn in person.text) == (confidence == "withdrawn")


def test_who_stands_in_an_earlier_list_only_is_told_whom_to_ask(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    deployment.import_and_publish(SAMPLE_ROWS[2:])
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(HOLDER_PHONE)
        assert TEXTS["ko"].answer.holder.under_review.title in person.text
        assert TEXTS["ko"].answer.not_found.title not in person.text
        assert deployment.incident.notice.ko.contact in person.text


def test_a_shared_number_cannot_tell(deployment: Deployment) -> None:
    shop = [make_row(f"s{number}", phone="02-555-1234", name="홍길동", items="name|phone") for number in range(21)]
    deployment.import_and_publish([*SAMPLE_ROWS, *shop])
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify("02-555-1234")
        assert TEXTS["ko"].answer.cannot_tell.title in person.text
        assert TEXTS["ko"].answer.not_found.title not in person.text


def test_nothing_published_is_no_answer(deployment: Deployment) -> None:
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(HOLDER_PHONE)
        assert TEXTS["ko"].answer.nothing_published.title in person.text
        assert TEXTS["ko"].answer.not_found.title not in person.text

        deployment.import_and_publish(SAMPLE_ROWS)
        person.open("/answer")
        assert person.page.url.path == "/"
        assert TEXTS["ko"].start.verify_again in person.text
        person.verify(HOLDER_PHONE)
        assert TEXTS["ko"].answer.holder.confirmed.title in person.text


@pytest.mark.parametrize("mark", ["", "synthetic-"])
def test_made_up_people_are_said_to_be(deployment: Deployment, mark: str) -> None:
    deployment.import_and_publish([make_row(f"{mark}1", phone=HOLDER_PHONE, name="박지수", items="name")])
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(UNAFFECTED_PHONE)
        assert (TEXTS["ko"].answer.made_up in person.text) == bool(mark)


def test_a_family_acknowledges_once(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row(f"f{n}", phone=HOLDER_PHONE, name="박지수", items="name") for n in range(3)])
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(HOLDER_PHONE)
        assert TEXTS["ko"].answer.several in person.text
        person.submit("/acknowledge")
        assert "/acknowledge" not in person.form_actions
        person.open("/receipts")
        assert [link for link in person.links if link.startswith("/receipts/")] == [
            "/receipts/1",
            "/receipts/2",
            "/receipts/3",
        ]


def test_a_notice_that_changed_is_to_be_read_anew(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    changed = deployment.incident.model_copy(
        update={
            "notice": deployment.incident.notice.model_copy(
                update={"en": deployment.incident.notice.en.model_copy(update={"relief": "Something new."})}
            )
        }
    )
    texts = TEXTS["ko"].notice
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(HOLDER_PHONE)
        before = person.page
        person.submit("/acknowledge")
        with deployment.database.write() as session:
            incidents.update_incident(session, changed, now=deployment.clock())
        person.page = before
        person.submit("/acknowledge")
        assert person.page.status_code == 409
        assert texts.superseded in person.text
        assert texts.newer in person.text
        person.submit("/acknowledge")
        assert "/acknowledge" not in person.form_actions

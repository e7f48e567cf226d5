"""Mistakes of the person: invalid input, wrong and expired codes, expired sessions."""

from datetime import timedelta

import pytest

from app.verification.service import MAX_TRIES
from app.web.texts import TEXTS
from tests.support.deployment import Deployment
from tests.web.helpers import HOLDER_PHONE, SAMPLE_ROWS, UNAFFECTED_PHONE, BrowserUser, set_cookies_of

KO = TEXTS["ko"]


def wrong_code(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", KO.start.missing_identifier),
        ("  ", KO.start.missing_identifier),
        ("010-12", KO.start.invalid_phone),
        ("min@", KO.start.invalid_email),
        ("min＠", KO.start.invalid_email),
        ("1" * 5000, KO.start.invalid_phone),
    ],
)
def test_invalid_identifiers_are_rejected(deployment: Deployment, typed: str, message: str) -> None:
    with BrowserUser(deployment) as user:
        user.open("/")
        user.submit("/verify", identifier=typed)
        assert user.page.status_code == 422
        assert user.text.count(message) == 2
        assert 'href="#identifier"' in user.page.text
        assert 'aria-describedby="identifier-hint identifier-error"' in user.page.text
        assert f"<title>{KO.site.error_prefix}" in user.page.text
        assert deployment.deliver_outbox() == []


def test_a_wrong_code_costs_a_try_and_the_last_one_ends_the_verification(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as user:
        user.open("/")
        user.submit("/verify", identifier=HOLDER_PHONE)
        code = deployment.deliver_outbox()[0].code
        for typed in ("", "1234", "abcdefgh", "123456789"):
            user.submit("/confirm", code=typed)
            assert user.page.status_code == 422
            assert KO.code.invalid_format.format(digits=8) in user.text
        for left in range(MAX_TRIES - 1, 0, -1):
            user.submit("/confirm", code=wrong_code(code))
            assert user.page.status_code == 422
            assert KO.code.incorrect.format(left=left) in user.text, "malformed input must not have cost a try"
        user.submit("/confirm", code=wrong_code(code))
        assert user.page.status_code == 410
        assert KO.start.verification_ended in user.text
        assert "/verify" in user.form_actions


def test_a_code_may_have_spaces_or_full_width_digits(deployment: Deployment) -> None:
    for reformat in (
        lambda code: f" {code[:4]} {code[4:]}",
        lambda code: code.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)}),
    ):
        with BrowserUser(deployment) as user:
            user.open("/")
            user.submit("/verify", identifier=HOLDER_PHONE)
            user.submit("/confirm", code=reformat(deployment.deliver_outbox()[0].code))
            assert user.page.url.path == "/answer"


def test_an_expired_code_is_rejected(deployment: Deployment) -> None:
    with BrowserUser(deployment) as user:
        user.open("/")
        user.submit("/verify", identifier=HOLDER_PHONE)
        code = deployment.deliver_outbox()[0].code
        deployment.clock.advance(seconds=deployment.settings.code_ttl)
        code_page = user.page
        for action, typed in (("/confirm", {"code": code}), ("/resend", {})):
            user.page = code_page
            user.submit(action, **typed)
            assert user.page.status_code == 410
            assert KO.start.verification_ended in user.text


def test_a_new_code_replaces_the_previous_one(deployment: Deployment) -> None:
    with BrowserUser(deployment) as user:
        user.open("/")
        user.submit("/verify", identifier=HOLDER_PHONE)
        user.submit("/resend")
        assert user.page.status_code == 429
        assert user.page.headers["retry-after"] == "60"
        assert KO.code.resend_too_soon.format(seconds=60) in user.text
        deployment.clock.advance(minutes=1)
        user.submit("/resend")
        assert KO.code.new_code_sent in user.text
        first, second = deployment.deliver_outbox()
        if first.code != second.code:
            user.submit("/confirm", code=first.code)
            assert user.page.status_code == 422
        user.submit("/confirm", code=second.code)
        assert user.page.url.path == "/answer"


def test_without_a_pending_verification(deployment: Deployment) -> None:
    with BrowserUser(deployment) as user:
        assert user.open("/code").url.path == "/"
        user.client.cookies.set("verification", "bm90IGEgY29kZQ")
        assert user.open("/code").url.path == "/"
        assert user.client.post("/confirm", data={"code": "12345678"}).status_code == 410


def test_an_expired_or_planted_session_does_not_block_sign_in(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(UNAFFECTED_PHONE)
        deployment.clock.advance(seconds=deployment.settings.session_ttl)
        user.submit("/verify", identifier=HOLDER_PHONE)
        user.submit("/confirm", code=deployment.deliver_outbox()[-1].code)
        assert KO.answer.holder.confirmed.title in user.text
        assert "010-****-9999" not in user.text
        deployment.clock.advance(seconds=deployment.settings.session_ttl)
        user.submit("/acknowledge")
        assert user.page.url.path == "/"
        assert KO.start.verify_first in user.text
        user.client.cookies.set("session", "planted")
        user.submit("/verify", identifier=HOLDER_PHONE)
        confirmed = user.client.post("/confirm", data={"code": deployment.deliver_outbox()[-1].code})
        assert confirmed.headers["location"] == "/answer"
        assert len(set_cookies_of(confirmed)["session"].value) == 43, "the token must be new, not the planted one"


def test_an_eleventh_identifier_is_rejected(deployment: Deployment) -> None:
    with BrowserUser(deployment) as user:
        user.open("/")
        for index in range(11):
            user.verify(f"010-5000-{index:04}")
        assert user.page.status_code == 409
        assert KO.answer.too_many_identifiers in user.text
        assert "010-****-0009" in user.text


def test_an_invalid_value_cannot_be_checked(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(HOLDER_PHONE)
        user.submit("/check", kind="name", value="박*수")
        assert user.page.status_code == 422
        assert user.text.count(KO.check.invalid) == 2


def test_only_exposures_of_the_session_can_be_acknowledged(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(HOLDER_PHONE)
        for data in ({"exposure": "0" * 32, "notice_version": "1"}, {"notice_version": "1"}):
            response = user.client.post("/acknowledge", data=data)
            assert response.status_code == 404
            assert KO.notice.answer_changed in response.text
        assert user.client.get("/receipts/1").status_code == 404


def test_opting_out_of_codes(deployment: Deployment) -> None:
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(HOLDER_PHONE)
        user.submit("/stop-codes")
        assert KO.answer.opted_out in user.text
        deployment.request_code(HOLDER_PHONE)
        assert deployment.deliver_outbox() == []
        user.client.cookies.clear()
        assert user.client.post("/stop-codes").headers["location"] == "/?because=verify-first"


def test_the_code_page_shows_when_the_code_expires(deployment: Deployment) -> None:
    with BrowserUser(deployment) as user:
        user.open("/")
        user.submit("/verify", identifier=HOLDER_PHONE)
        expires_at = deployment.clock() + timedelta(seconds=deployment.settings.code_ttl, hours=9)
        assert f"{expires_at:%H:%M}" in user.text

"""Adding an identifier replaces the session: a token that was known before never shows what is added."""

import threading
from collections import Counter

import httpx
import pytest

from app.web.texts import TEXTS
from tests.support.deployment import Deployment
from tests.web.helpers import HOLDER_PHONE, SAMPLE_ROWS, UNAFFECTED_PHONE, BrowserUser

EMAIL, OTHER_EMAIL = "jisoo@example.com", "other@example.com"


def get_status(deployment: Deployment, headers: dict[str, str]) -> int:
    return deployment.client.get("/v1/exposures", headers=headers).status_code


def test_the_old_token_ends_and_the_new_one_holds_both_identifiers(deployment: Deployment) -> None:
    old = deployment.sign_in(HOLDER_PHONE)
    deployment.clock.advance(seconds=600)
    new = deployment.sign_in(EMAIL, old)
    assert new != old
    assert get_status(deployment, old) == 401
    identifiers = deployment.client.get("/v1/exposures", headers=new).json()["identifiers"]
    assert [identifier["kind"] for identifier in identifiers] == ["phone", "email"]
    assert deployment.execute_sql("SELECT count(*) FROM sessions") == [(1,)]


def test_adding_an_identifier_does_not_extend_the_session(deployment: Deployment) -> None:
    headers = deployment.sign_in(HOLDER_PHONE)
    deployment.clock.advance(seconds=1799)
    headers = deployment.sign_in(EMAIL, headers)
    assert get_status(deployment, headers) == 200
    deployment.clock.advance(seconds=1)
    assert get_status(deployment, headers) == 401


def test_one_of_concurrent_additions_wins_and_the_other_keeps_its_code(deployment: Deployment) -> None:
    headers = deployment.sign_in(HOLDER_PHONE)
    started = {address: deployment.request_code(address) for address in (EMAIL, OTHER_EMAIL)}
    codes = {message.address: message.code for message in deployment.deliver_outbox()}
    answers: dict[str, httpx.Response] = {}
    barrier = threading.Barrier(2)

    def add(address: str) -> None:
        barrier.wait()
        answers[address] = deployment.confirm_code(started[address], codes[address], headers)

    threads = [threading.Thread(target=add, args=(address,)) for address in started]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(answer.status_code for answer in answers.values()) == {200: 1, 401: 1}
    winner, loser = sorted(answers, key=lambda address: answers[address].status_code)
    new = {"Authorization": f"Bearer {answers[winner].json()['access_token']}"}
    assert deployment.confirm_code(started[loser], codes[loser], new).status_code == 200


def test_a_session_cannot_be_revoked_twice(deployment: Deployment) -> None:
    headers = deployment.sign_in(HOLDER_PHONE)
    statuses = [deployment.client.delete("/v1/session", headers=headers).status_code for _ in range(2)]
    assert statuses == [204, 401]


def test_a_planted_cookie_does_not_show_what_is_added(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as planter, BrowserUser(deployment) as user:
        planter.open("/")
        planter.verify(UNAFFECTED_PHONE)
        user.client.cookies.set("session", planter.client.cookies["session"], domain="127.0.0.1", path="/")
        user.open("/")
        user.verify(HOLDER_PHONE)
        assert TEXTS["ko"].answer.holder.confirmed.title in user.text
        assert user.client.cookies["session"] != planter.client.cookies["session"]
        planter.open("/answer")
        assert planter.page.url.path == "/"
        assert TEXTS["ko"].start.verify_first in planter.text


def test_each_page_that_adds_an_identifier_shows_whose_session_it_is(deployment: Deployment) -> None:
    site = TEXTS["ko"].site
    with BrowserUser(deployment) as user:
        user.open("/")
        assert site.not_me not in user.text
        user.submit("/verify", identifier=HOLDER_PHONE)
        assert site.not_me not in user.text
        user.submit("/confirm", code=deployment.deliver_outbox()[-1].code)
        pages = [user.page, user.open("/"), user.submit("/verify", identifier=EMAIL), user.submit("/confirm", code="1")]
        for page in pages:
            assert f"{site.session_identifiers}: 010-****-0002" in page_text(user, page)
            assert site.not_me in page.text
        user.submit("/sign-out")
        assert TEXTS["ko"].start.signed_out in user.text
        assert site.not_me not in user.text
        assert not [name for name in user.client.cookies if name != "lang"]
        user.verify(EMAIL)
        assert "010-****-0002" not in user.text


def test_a_session_that_was_replaced_during_the_request_does_not_use_up_the_code(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(HOLDER_PHONE)
        user.submit("/verify", identifier=EMAIL)
        code = deployment.deliver_outbox()[-1].code
        with monkeypatch.context() as patch:
            patch.setattr("app.web.code._active_session_token", lambda *_: "replaced")
            user.submit("/confirm", code=code)
        assert user.page.url.path == "/code"
        user.submit("/confirm", code=code)
        assert user.page.url.path == "/answer"
        assert "010-****-0002" in user.text


def page_text(user: BrowserUser, page: httpx.Response) -> str:
    user.page = page
    return user.text

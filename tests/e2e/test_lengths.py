"""Lengths on the wire and in tables do not tell the length of an address, the number of identifiers, or whether a code is sent."""

import httpx
import pytest

from app.http.padding import FORM_PAGE_BLOCKS, MIN_PAGE_BLOCKS, PADDING_BLOCK
from tests.support.deployment import Deployment
from tests.web.helpers import SAMPLE_ROWS, BrowserUser, set_cookies_of

SHORT, LONG, PHONE = "a@example.com", f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 50}.example.com", "010-2000-0002"
INTERNATIONAL = f"{'가' * 20}@example.com"
ADDRESSES = [SHORT, LONG, INTERNATIONAL, PHONE]


def page_size(page: httpx.Response) -> int:
    assert page.headers["content-length"] == str(len(page.content))
    return len(page.content)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_pages_and_cookies_do_not_tell_the_length_of_an_address(deployment: Deployment, language: str) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    observed = set()
    for address in ADDRESSES:
        with BrowserUser(deployment) as user:
            user.open(f"/?lang={language}")
            user.submit("/verify", identifier=address)
            requested, code_page = user.responses[-2:]
            confirmed = user.submit("/confirm", code=deployment.deliver_outbox()[-1].code)
            cookie = set_cookies_of(requested)["verification"]
            pages = [code_page, confirmed, user.open("/"), user.submit("/verify", identifier=" ")]
            observed.add((len(cookie.value), len(requested.headers["set-cookie"]), *map(page_size, pages)))
    ((_, _, *sizes),) = observed
    form, answer = FORM_PAGE_BLOCKS * PADDING_BLOCK, MIN_PAGE_BLOCKS * PADDING_BLOCK
    assert sizes == [form, answer, form, form]


def test_pages_and_answers_do_not_tell_the_number_of_identifiers(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    pages, answers, headers = set(), set(), None
    with BrowserUser(deployment) as user:
        for number in range(10):
            address = f"{number}@{'b' * 60}.example.com"
            user.open("/")
            user.submit("/verify", identifier=address)
            code_page = user.page
            user.submit("/confirm", code=deployment.deliver_outbox()[-1].code)
            pages.add((page_size(code_page), page_size(user.page), page_size(user.open("/"))))
            headers = deployment.sign_in(address, headers)
            answers.add(page_size(deployment.client.get("/v1/exposures", headers=headers)))
    assert len(pages) == 1
    assert answers == {PADDING_BLOCK}


def test_stored_rows_do_not_tell_the_length_of_an_address_or_whether_a_code_is_sent(deployment: Deployment) -> None:
    deployment.client.post("/v1/stop-codes", headers=deployment.sign_in(PHONE))
    for address in [*ADDRESSES, "010-2000-0003"]:
        assert deployment.request_code(address).status_code == 202
    for table in ("outbox", "verifications"):
        lengths = deployment.execute_sql(f"SELECT length(ciphertext) FROM {table} WHERE ciphertext IS NOT NULL")
        assert len(lengths) == 5
        assert len(set(lengths)) == 1, table
    assert len(deployment.deliver_outbox()) == 4
    for address in ADDRESSES[:3]:
        deployment.sign_in(address)
    assert len(set(deployment.execute_sql("SELECT length(ciphertext) FROM sessions"))) == 1

"""The whole journey in a real mobile browser without JavaScript, and accessibility checks with axe."""

import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, ViewportSize, sync_playwright

from app.locales import Locale
from app.web.texts import TEXTS
from tests.support.deployment import Deployment
from tests.web.helpers import HOLDER_PHONE, SAMPLE_ROWS, UNAFFECTED_PHONE

pytestmark = pytest.mark.browser

BROWSER_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE_SCREEN: ViewportSize = {"width": 390, "height": 844}
WCAG_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Run on SQLite only: the pages do not depend on the database."""
    return sqlite_url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSER_COMMANDS)), None)
    if path is None:
        pytest.fail(
            f"no browser ({', '.join(BROWSER_COMMANDS)}): apt-get update && apt-get install -y chromium fonts-noto-cjk"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()


def click_and_wait(control: Locator) -> None:
    """Click and wait for the next page. `click` alone may return before the server has received the request."""
    with control.page.expect_navigation():
        control.click()


def submit(page: Page, action: str) -> None:
    click_and_wait(page.locator(f'form[action="{action}"] button'))


def verify(page: Page, deployment: Deployment, identifier: str) -> None:
    page.locator("#identifier").fill(identifier)
    submit(page, "/verify")
    page.locator("#code").fill(deployment.deliver_outbox()[-1].code)
    submit(page, "/confirm")


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_journey_on_a_phone_without_javascript(deployment: Deployment, browser: Browser, locale: Locale) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    t = TEXTS[locale]
    context = browser.new_context(java_script_enabled=False, viewport=PHONE_SCREEN)
    page = context.new_page()
    requested_urls: list[str] = []
    page.on("request", lambda request: requested_urls.append(request.url))

    page.goto(str(deployment.wire_client.base_url))
    if locale != "ko":
        click_and_wait(page.get_by_role("link", name=TEXTS["ko"].site.other_language_name))
    page.get_by_label(t.start.label).fill("010-12")
    click_and_wait(page.get_by_role("button", name=t.start.button))
    assert page.locator(".summary").is_visible()
    page.locator(".summary a").click()
    page.get_by_label(t.start.label).fill(HOLDER_PHONE)
    click_and_wait(page.get_by_role("button", name=t.start.button))

    assert page.locator("html").get_attribute("lang") == locale
    field = page.get_by_label(t.code.label, exact=True)
    assert field.get_attribute("autocomplete") == "one-time-code"
    assert field.get_attribute("inputmode") == "numeric"
    click_and_wait(page.get_by_role("button", name=t.code.resend))
    assert page.get_by_text(t.code.resend_too_soon.format(seconds=60)).is_visible()
    deployment.clock.advance(minutes=1)
    click_and_wait(page.get_by_role("button", name=t.code.resend))
    field.fill(deployment.deliver_outbox()[-1].code)
    with page.expect_navigation():
        field.press("Enter")

    assert page.get_by_role("heading", name=t.answer.holder.confirmed.title, exact=True).is_visible()
    page.get_by_label(t.check.address, exact=True).check()
    page.get_by_label(t.check.label).fill("서울 강남구 테헤란로 12 101-1203")
    click_and_wait(page.get_by_role("button", name=t.check.button, exact=True))
    assert page.get_by_text(t.check.matched_exposed).is_visible()
    click_and_wait(page.get_by_role("button", name=t.notice.read_button))
    assert page.get_by_role("button", name=t.notice.read_button).count() == 0
    click_and_wait(page.get_by_role("link", name=t.notice.receipts_link))
    with page.expect_download() as download:
        page.get_by_role("link", name=t.notice.download_link.format(number=1)).click()
    assert download.value.suggested_filename == "receipt-1.json"
    click_and_wait(page.get_by_role("link", name=t.site.answer_link))
    click_and_wait(page.get_by_role("button", name=t.site.sign_out))
    assert page.get_by_text(t.start.signed_out).is_visible()

    assert {url.split("/")[2] for url in requested_urls} == {str(deployment.wire_client.base_url).split("/")[2]}
    assert [cookie["name"] for cookie in context.cookies() if cookie["name"] != "lang"] == []
    context.close()


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_axe_reports_no_violations(deployment: Deployment, browser: Browser, locale: Locale) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    context = browser.new_context(viewport=PHONE_SCREEN, bypass_csp=True)  # our CSP blocks scripts, and axe is one
    page = context.new_page()
    base = str(deployment.wire_client.base_url).rstrip("/")

    page.goto(f"{base}/?lang={locale}")
    assert_accessible(page)
    page.locator("#identifier").fill("010-12")
    submit(page, "/verify")
    assert_accessible(page)
    assert page.evaluate("document.activeElement.className") == "summary", "the error summary must have the focus"
    page.locator("#identifier").fill(UNAFFECTED_PHONE)
    submit(page, "/verify")
    assert_accessible(page)
    page.locator("#code").fill(deployment.deliver_outbox()[-1].code)
    submit(page, "/confirm")
    page.locator("summary").click()
    assert_accessible(page)
    verify(page, deployment, HOLDER_PHONE)
    assert_accessible(page)
    page.locator("#value").fill("박지수")
    submit(page, "/check")
    assert_accessible(page)
    submit(page, "/acknowledge")
    assert_accessible(page)
    page.goto(f"{base}/receipts")
    assert_accessible(page)
    page.goto(f"{base}/nowhere")
    assert_accessible(page)
    context.close()


def assert_accessible(page: Page) -> None:
    results = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG_TAGS}})
    assert results.response["passes"], "axe ran no rule"
    assert results.violations_count == 0, f"{page.url}: {results.generate_report()}"
    overflows = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not overflows, f"{page.url} scrolls sideways"

"""A browser without JavaScript, for tests: it follows the links and submits the forms that the pages contain."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Self

import httpx

from tests.support.asgi_client import asgi_transport
from tests.support.deployment import Deployment, make_row

BROWSER_HEADERS = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

SAMPLE_ROWS = [
    make_row("a2", email="jisoo@example.com", phone="010-2000-0002", name="박지수", items="name|email"),
    make_row(
        "a2",
        phone="010-2000-0002",
        name="박지수",
        address="서울특별시 강남구 테헤란로 12, 101동 1203호",
        items="name|phone|address|order",
        count=3,
    ),
    make_row("a1", recipient_ref="r1", phone="010-3000-0003", name="이서연", items="name|phone"),
    make_row("a4", email="maybe@example.com", name="최가능", items="name|email", confidence="possible"),
    make_row("a5", email="cleared@example.com", name="한취소", items="name|email", confidence="withdrawn"),
]
HOLDER_PHONE, RECIPIENT_PHONE, UNAFFECTED_PHONE = "010-2000-0002", "010-3000-0003", "010-9999-9999"


@dataclass
class Form:
    """An HTML form and its input fields."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)


class _PageParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(attributes["action"], attributes["method"]))
        elif tag == "input" and (attributes["type"] != "radio" or "checked" in attributes):
            self.forms[-1].fields.append((attributes["name"], attributes.get("value", "")))
        elif tag == "a":
            self.links.append(attributes["href"])

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def set_cookies_of(response: httpx.Response) -> SimpleCookie:
    """Return the cookies that a response sets, with their attributes."""
    cookies = SimpleCookie()
    for line in response.headers.get_list("set-cookie"):
        cookies.load(line)
    return cookies


class BrowserUser:
    """A browser session: `page` is the current page, `responses` are all that were received."""

    def __init__(self, deployment: Deployment, **headers: str) -> None:
        self.deployment = deployment
        self.client = httpx.Client(
            transport=asgi_transport(deployment.app),
            base_url=deployment.client.base_url,
            headers=BROWSER_HEADERS | headers,
            trust_env=False,
        )
        self.responses: list[httpx.Response] = []
        self.page = httpx.Response(204)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def open(self, address: str) -> httpx.Response:
        return self._follow(self.client.get(address))

    def submit(self, action: str, **typed: str) -> httpx.Response:
        """Submit the form with this *action*, after typing values into its fields."""
        form = next(form for form in self._parse_page().forms if form.action == action)
        assert form.method == "post"
        names = [name for name, _ in form.fields]
        assert typed.keys() <= set(names), f"the form has {names}"
        data: dict[str, list[str]] = {}
        for name, value in form.fields:
            data.setdefault(name, []).append(typed.get(name, value))
        return self._follow(self.client.post(action, data=data))

    def verify(self, identifier: str) -> httpx.Response:
        """Request a code on the current page, and enter it."""
        self.submit("/verify", identifier=identifier)
        assert str(self.page.url).endswith("/code"), self.text
        return self.submit("/confirm", code=self.deployment.deliver_outbox()[-1].code)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._parse_page().text).split())

    @property
    def links(self) -> list[str]:
        return self._parse_page().links

    @property
    def form_actions(self) -> list[str]:
        return [form.action for form in self._parse_page().forms]

    def _follow(self, response: httpx.Response) -> httpx.Response:
        self.responses.append(response)
        while response.is_redirect:
            response = self.client.get(response.headers["location"])
            self.responses.append(response)
        self.page = response
        return response

    def _parse_page(self) -> _PageParser:
        parser = _PageParser()
        parser.feed(self.page.text)
        return parser

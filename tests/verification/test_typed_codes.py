"""Spellings of a code, and what cannot be a code: the same rule in the API and on the page, and no try for what cannot be one."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.verification.code import MAX_TYPED_LENGTH, read_code
from app.verification.service import MAX_TRIES
from app.web.texts import TEXTS
from tests.support.deployment import Deployment
from tests.support.permissive_limits import permissive_limits
from tests.web.helpers import BrowserUser

CODE, WRONG_CODE, PHONE = "12345678", "12345679", "010-2000-0002"

SPELLINGS = {
    "as sent": "12345678",
    "space": "1234 5678",
    "spaces around": "  12345678 ",
    "a space between all digits": "1 2 3 4 5 6 7 8",
    "line end": "12345678\r\n",
    "tab": "1234\t5678",
    "no-break space": "1234\u00a05678",
    "narrow no-break space": "1234\u202f5678",
    "ideographic space": "1234\u30005678",
    "hyphen": "1234-5678",
    "spaced hyphens": "12 - 34 - 56 - 78",
    "hyphen character": "1234\u20105678",
    "no-break hyphen": "1234\u20115678",
    "figure dash": "1234\u20125678",
    "en dash": "1234–5678",
    "em dash": "1234—5678",
    "minus": "1234\u22125678",
    "small hyphen-minus": "1234\ufe635678",
    "full-width hyphen-minus": "1234\uff0d5678",
    "Korean vowel as a dash": "1234ㅡ5678",
    "Japanese long vowel as a dash": "1234ー5678",
    "soft hyphen": "1234\u00ad5678",
    "zero-width space": "1234\u200b5678",
    "word joiner": "\u206012345678",
    "byte order mark": "\ufeff12345678",
    "left-to-right mark": "\u200e12345678\u200e",
    "right-to-left mark": "\u200f12345678",
    "bidirectional embedding": "\u202a12345678\u202c",
    "bidirectional override": "\u202d12345678\u202c",
    "bidirectional isolate": "\u206612345678\u2069",
    "Hangul filler": "1234\u31645678",
    "variation selector": "1\ufe0f2345678",
    "full stop": "12345678.",
    "full-width full stop": "12345678．",
    "ideographic full stop": "12345678。",
    "half-width ideographic full stop": "12345678｡ ",
    "full-width digits": "１２３４５６７８",
    "full-width digits and space": "１２３４\u3000５６７８",
    "mathematical digits": "𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖",
    "Arabic-Indic digits": "١٢٣٤٥٦٧٨",
    "Persian digits": "۱۲۳۴۵۶۷۸",
    "Devanagari digits": "१२३४५६७८",
    "Bengali digits": "১২৩৪৫৬৭৮",
    "Thai digits": "๑๒๓๔๕๖๗๘",
    "Khmer digits": "១២៣៤ ៥៦៧៨",
    "Myanmar digits": "၁၂၃၄၅၆၇၈",
}
"""Spellings of `CODE`."""

MALFORMED = {
    "only space": " ",
    "only dashes": "--------",
    "only full stops": "........",
    "too short": "1234567",
    "too long": "123456789",
    "too long in groups": "1234-5678-9",
    "letters": "abcdefgh",
    "letter O for zero": "1234567O",
    "prefix": "G-12345678",
    "brackets": "[12345678]",
    "Korean text in front": "인증번호 12345678",
    "Korean text behind": "12345678입니다",
    "sentence": "Your code is 12345678.",
    "two codes": "12345678 12345678",
    "decimal": "1234567.8",
    "sign": "+12345678",
    "Roman numeral": "1234567ⅷ",
    "Chinese numerals": "一二三四五六七八",
    "NUL": "1234\x005678",
    "private use character": "\ue00012345678",
    "a code behind many spaces": " " * MAX_TYPED_LENGTH + CODE,
}
"""What cannot be a code."""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """How a code is read does not depend on the database."""
    return sqlite_url


@pytest.fixture(autouse=True)
def _known_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send `CODE` always."""
    monkeypatch.setattr("app.verification.service._new_code", lambda: CODE)


@pytest.mark.parametrize("typed", SPELLINGS.values(), ids=SPELLINGS)
def test_a_spelling_is_read(typed: str) -> None:
    assert read_code(typed) == CODE


@pytest.mark.parametrize("typed", ["", *MALFORMED.values()], ids=["empty", *MALFORMED])
def test_what_cannot_be_a_code_is_not_read(typed: str) -> None:
    assert read_code(typed) is None


def test_a_code_of_another_length_is_read_where_it_is_asked_for() -> None:
    assert [read_code("１-2.", 2), read_code("123", 2), read_code("00 000 000")] == ["12", None, "00000000"]


def test_the_api_takes_every_spelling(deployment: Deployment) -> None:
    answers = {
        name: deployment.confirm_code(deployment.request_code(PHONE), typed).status_code
        for name, typed in SPELLINGS.items()
    }
    assert answers == dict.fromkeys(SPELLINGS, 200)


def test_the_page_takes_every_spelling(deployment: Deployment) -> None:
    pages = {}
    for name, typed in SPELLINGS.items():
        with BrowserUser(deployment) as user:
            user.open("/")
            user.submit("/verify", identifier=PHONE)
            pages[name] = user.submit("/confirm", code=typed).url.path
    assert pages == dict.fromkeys(SPELLINGS, "/answer")


def test_in_the_api_what_cannot_be_a_code_costs_no_try(deployment: Deployment) -> None:
    requested = deployment.request_code(PHONE)
    assert deployment.confirm_code(requested, WRONG_CODE).json()["tries_left"] == MAX_TRIES - 1
    for name, typed in MALFORMED.items():
        answer = deployment.confirm_code(requested, typed)
        assert answer.status_code == 422, name
        if len(typed) > MAX_TYPED_LENGTH:
            assert answer.json()["type"] == "/problems/invalid-request", name
            continue
        assert answer.json()["type"] == "/problems/invalid-code", name
        assert answer.json()["tries_left"] == MAX_TRIES - 1, name
        assert answer.json()["errors"] == [{"pointer": "/code", "code": "not-a-code"}], name
        assert typed not in answer.text or typed.isspace(), name
    wrong = deployment.confirm_code(requested, WRONG_CODE).json()
    assert (wrong["tries_left"], "errors" in wrong) == (MAX_TRIES - 2, False)
    assert deployment.confirm_code(requested, CODE).status_code == 200


def test_on_the_page_what_cannot_be_a_code_costs_no_try(deployment: Deployment) -> None:
    texts = TEXTS["ko"].code
    with BrowserUser(deployment) as user:
        user.open("/")
        user.submit("/verify", identifier=PHONE)
        for name, typed in {"empty": "", **MALFORMED}.items():
            assert user.submit("/confirm", code=typed).status_code == 422, name
            assert texts.invalid_format.format(digits=8) in user.text, name
        user.submit("/confirm", code=WRONG_CODE)
        assert texts.incorrect.format(left=MAX_TRIES - 1) in user.text
        assert user.submit("/confirm", code=CODE).url.path == "/answer"


def confirm(deployment: Deployment, requested: httpx.Response, typed: str, **changes: str) -> tuple[int, str]:
    body = {"id": requested.json()["id"], "client_secret": requested.json()["client_secret"]} | changes
    answer = deployment.client.post(
        f"/v1/verifications/{body['id']}/confirm", json={"code": typed, "client_secret": body["client_secret"]}
    )
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


@pytest.mark.parametrize("typed", ["1234", WRONG_CODE], ids=["malformed", "wrong"])
def test_a_malformed_code_reveals_no_more_about_a_verification_than_a_wrong_one(
    typed: str, deployment: Deployment
) -> None:
    used, tried, expired = (deployment.request_code(PHONE) for _ in range(3))
    assert confirm(deployment, used, typed, id="3f0e1d3a-0000-4000-8000-000000000000") == (404, "unknown-verification")
    assert confirm(deployment, used, typed, client_secret="another") == (404, "unknown-verification")
    assert deployment.confirm_code(used, CODE).status_code == 200
    assert confirm(deployment, used, typed) == (410, "verification-ended")
    for _ in range(MAX_TRIES):
        deployment.confirm_code(tried, WRONG_CODE)
    assert confirm(deployment, tried, typed) == (410, "verification-ended")
    deployment.clock.advance(seconds=deployment.settings.code_ttl)
    assert confirm(deployment, expired, typed) == (410, "verification-ended")


def test_on_the_page_a_malformed_code_for_an_ended_verification_says_so(deployment: Deployment) -> None:
    with BrowserUser(deployment) as user:
        user.open("/")
        user.submit("/verify", identifier=PHONE)
        deployment.clock.advance(seconds=deployment.settings.code_ttl)
        assert user.submit("/confirm", code="1234").status_code == 410
        assert TEXTS["ko"].start.verification_ended in user.text


def test_malformed_codes_use_up_the_request_limit_but_no_limit_on_wrong_codes(
    make_deployment: Callable[..., Deployment], tmp_path: Path
) -> None:
    """They cost no try, so one verification could otherwise use up the service's limit, and stop everybody."""
    limits = {"service.wrong_codes": "2/hour", "client.wrong_codes": "2/hour", "client.confirmations": "8/minute"}
    path = tmp_path / "small.toml"
    path.write_text(permissive_limits(limits))
    deployment = make_deployment(limits_file=path)
    requested = deployment.request_code(PHONE)
    statuses = [deployment.confirm_code(requested, typed).status_code for typed in [*["1234"] * 7, CODE, "1234"]]
    assert statuses == [*[422] * 7, 200, 429]

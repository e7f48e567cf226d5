"""Emails: which spellings are equal, and which are refused."""

import string

import email_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identifiers import canonicalize, mask
from app.identifiers.email import holds_several_emails
from tests.identifiers.helpers import RESPELLINGS, no_deadline, refusal, with_noise

LOCAL_PARTS = st.from_regex(r"[a-z0-9]{1,8}([.+_-][a-z0-9]{1,8})?", fullmatch=True)
DOMAIN_LABELS = st.text(string.ascii_lowercase, min_size=1, max_size=10) | st.sampled_from(["한글", "bücher", "例え"])
TOP_LEVEL_DOMAINS = st.sampled_from(["com", "test", "example", "invalid", "co.kr", "local"])


@st.composite
def mailboxes(draw: st.DrawFn) -> tuple[str, str]:
    return draw(LOCAL_PARTS), f"{draw(DOMAIN_LABELS)}.{draw(TOP_LEVEL_DOMAINS)}"


def ascii_domain(domain: str) -> str:
    return ".".join(label.encode("idna").decode() for label in domain.split("."))


@no_deadline
@given(mailboxes(), st.data())
def test_spellings_of_one_mailbox_are_equal(mailbox: tuple[str, str], data: st.DataObject) -> None:
    local, domain = mailbox
    spellings = [f"{local}@{domain}", f"{local}@{ascii_domain(domain)}"]
    change_case_or_width = data.draw(st.sampled_from(RESPELLINGS))
    text = data.draw(with_noise(st.sampled_from(spellings).map(change_case_or_width)))
    assert canonicalize("email", text) == f"{local}@{ascii_domain(domain)}"


@no_deadline
@given(mailboxes(), mailboxes())
def test_different_mailboxes_stay_different(first: tuple[str, str], other: tuple[str, str]) -> None:
    same = canonicalize("email", "@".join(first)) == canonicalize("email", "@".join(other))
    assert same == (first == other)


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("hong.gildong@example.com", "honggildong@example.com"),
        ("hong+shop@example.com", "hong@example.com"),
        ("hong@example.com", "hong@example.org"),
        ("straße@example.com", "strasse@example.com"),
        ("a@straße.example", "a@strasse.example"),
    ],
)
def test_similar_emails_stay_different(first: str, other: str) -> None:
    assert canonicalize("email", first) != canonicalize("email", other)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("Hong@Example.COM", "hong@example.com"),
        ("사용자@한글.example", "사용자@xn--bj0bj06e.example"),
        ("사용자@XN--BJ0BJ06E.example", "사용자@xn--bj0bj06e.example"),
        ("ÉLAN@example.com", "élan@example.com"),
        ("e\u0301lan@example.com", "élan@example.com"),
        ("ΣΑΣ@example.com", "σασ@example.com"),
        ("σας@example.com", "σασ@example.com"),
        ("H\u0331@example.com", "ẖ@example.com"),
        ("hong@example。com", "hong@example.com"),
        ("INFO@example.com", "info@example.com"),
    ],
)
def test_canonical_emails(text: str, canonical: str) -> None:
    assert canonicalize("email", text) == canonical


@pytest.mark.parametrize("domain", ["a.test", "example.invalid", "host.local", "x.localhost", "x.onion", "x.arpa"])
def test_reserved_domains_are_accepted(domain: str) -> None:
    assert canonicalize("email", f"hong@{domain}") == f"hong@{domain}"


@pytest.mark.parametrize(
    "text",
    [
        "hong",
        "hong@",
        "@example.com",
        "hong@localhost",
        "hong@@example.com",
        "hong@a@example.com",
        "mailto:hong@example.com",
        "Hong <hong@example.com>",
        "<hong@example.com>",
        '"hong"@example.com',
        '"hong gil"@example.com',
        "hong @example.com",
        "hong@ example.com",
        "hong@example.com.",
        "hong@example..com",
        ".hong@example.com",
        "hong.@example.com",
        "hong@-example.com",
        "hong@[127.0.0.1]",
        "hong@127.0.0.1",
        "hong@exam_ple.com",
        "hong@xn--zzzzzz9.example",
        "hong@example.com, kim@example.com",
        "hong@example.com;kim@example.com",
    ],
)
def test_refused_emails(text: str) -> None:
    assert refusal("email", text).reason == "not-an-email"


def test_an_email_of_maximum_length() -> None:
    domain = ".".join(["d" * 60] * 3) + ".com"
    longest = "a" * (254 - len(domain) - 1) + "@" + domain
    assert canonicalize("email", longest) == longest
    assert refusal("email", "a" + longest).reason == "too-long"
    assert refusal("email", "가" * 80 + "@" + domain[:60] + ".com").reason == "not-an-email"


@pytest.mark.parametrize(
    ("canonical", "masked"),
    [
        ("hong@example.com", "h***@e***.com"),
        ("h@e.com", "***@***.com"),
        ("ho@ex.co.kr", "h***@e***.kr"),
    ],
)
def test_masked_emails(canonical: str, masked: str) -> None:
    assert mask("email", canonical) == masked


@no_deadline
@given(mailboxes())
def test_a_mask_shows_at_most_two_letters(mailbox: tuple[str, str]) -> None:
    local, host = mask("email", canonicalize("email", "@".join(mailbox))).rsplit(".", 1)[0].split("@")
    assert len(local.replace("*", "")) <= min(1, len(mailbox[0]) - 1)
    assert len(host.replace("*", "")) <= 1


def test_email_validator_allows_reserved_domains() -> None:
    assert email_validator.SPECIAL_USE_DOMAIN_NAMES == []


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("a@example.com;b@example.com", True),
        ("a@example.com, b@example.com", True),
        ("a@example.com\nb@example.com", True),
        ("<a@example.com> <B@example.com>", True),
        ("a@example.com a@example.com", False),
        ('"hong kim"@example.com', False),
        ("hong..kim@example.com", False),
        ("a@example.com/home", False),
        ("bad@@x", False),
        ("", False),
    ],
)
def test_several_emails_in_one_text(text: str, several: bool) -> None:
    assert holds_several_emails(text) is several

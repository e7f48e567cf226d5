"""Emails: which spellings are one mailbox, which are none."""

import string

import email_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identifiers import canonicalize, mask
from tests.identifiers.helpers import calm, refusal, seasoned, wide

LOCAL = st.from_regex(r"[a-z0-9]{1,8}([.+_-][a-z0-9]{1,8})?", fullmatch=True)
LABEL = st.text(string.ascii_lowercase, min_size=1, max_size=10) | st.sampled_from(["한글", "bücher", "例え"])
TOP = st.sampled_from(["com", "test", "example", "invalid", "co.kr", "local"])


@st.composite
def mailbox(draw: st.DrawFn) -> tuple[str, str]:
    return draw(LOCAL), f"{draw(LABEL)}.{draw(TOP)}"


def ascii_domain(domain: str) -> str:
    return ".".join(label.encode("idna").decode() for label in domain.split("."))


@calm
@given(mailbox(), st.data())
def test_spellings_of_one_mailbox_are_equal(box: tuple[str, str], data: st.DataObject) -> None:
    local, domain = box
    spellings = [f"{local}@{domain}", f"{local}@{ascii_domain(domain)}"]
    respell = data.draw(st.sampled_from([str, str.upper, str.title, wide]))
    typed = data.draw(seasoned(st.sampled_from(spellings).map(respell)))
    assert canonicalize("email", typed) == f"{local}@{ascii_domain(domain)}"


@calm
@given(mailbox(), mailbox())
def test_two_mailboxes_stay_two(one: tuple[str, str], other: tuple[str, str]) -> None:
    same = canonicalize("email", "@".join(one)) == canonicalize("email", "@".join(other))
    assert same == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hong.gildong@example.com", "honggildong@example.com"),
        ("hong+shop@example.com", "hong@example.com"),
        ("hong@example.com", "hong@example.org"),
        ("straße@example.com", "strasse@example.com"),
        ("a@straße.example", "a@strasse.example"),
    ],
)
def test_what_only_looks_alike(one: str, other: str) -> None:
    assert canonicalize("email", one) != canonicalize("email", other)


@pytest.mark.parametrize(
    ("typed", "form"),
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
def test_forms(typed: str, form: str) -> None:
    assert canonicalize("email", typed) == form


@pytest.mark.parametrize("domain", ["a.test", "example.invalid", "host.local", "x.localhost", "x.onion", "x.arpa"])
def test_reserved_domains_are_taken(domain: str) -> None:
    assert canonicalize("email", f"hong@{domain}") == f"hong@{domain}"


@pytest.mark.parametrize(
    "typed",
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
def test_what_is_refused_rather_than_guessed_at(typed: str) -> None:
    assert refusal("email", typed).reason == "not-an-email"


def test_the_longest_address() -> None:
    domain = ".".join(["d" * 60] * 3) + ".com"
    longest = "a" * (254 - len(domain) - 1) + "@" + domain
    assert canonicalize("email", longest) == longest
    assert refusal("email", "a" + longest).reason == "too-long"
    assert refusal("email", "가" * 80 + "@" + domain[:60] + ".com").reason == "not-an-email"


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("hong@example.com", "h***@e***.com"),
        ("h@e.com", "***@***.com"),
        ("ho@ex.co.kr", "h***@e***.kr"),
    ],
)
def test_masks(form: str, shown: str) -> None:
    assert mask("email", form) == shown


@calm
@given(mailbox())
def test_a_mask_shows_two_letters_at_most(box: tuple[str, str]) -> None:
    local, host = mask("email", canonicalize("email", "@".join(box))).rsplit(".", 1)[0].split("@")
    assert len(local.replace("*", "")) <= min(1, len(box[0]) - 1)
    assert len(host.replace("*", "")) <= 1


def test_no_domain_is_special_to_the_library() -> None:
    assert email_validator.SPECIAL_USE_DOMAIN_NAMES == []

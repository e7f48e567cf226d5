"""Every text of the pages, as types: a language that lacks one does not come to be.

Plain text, never markup; what stands in braces is filled in by the page and escaped there.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What stands on every page."""

    name: str
    skip: str
    other_language: str
    other_language_name: str
    error_prefix: str
    error_summary: str
    safety_title: str
    safety: tuple[str, ...]
    sign_out: str
    to_start: str
    to_answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """How long somebody waits."""

    seconds: str
    minutes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Asking for a code."""

    title: str
    intro: str
    steps: tuple[str, ...]
    label: str
    hint: str
    button: str
    privacy: str
    empty: str
    bad_email: str
    bad_phone: str
    verify_first: str
    verify_again: str
    signed_out: str
    ended: str
    wait: str
    crowded: str
    time: Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Typing the code."""

    title: str
    sent_to: str
    sent_anew: str
    good_until: str
    label: str
    hint: str
    button: str
    late_title: str
    late: str
    resend: str
    too_soon: str
    other: str
    not_digits: str
    wrong: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a state of affairs means, in a line and in a few."""

    title: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """One for each confidence."""

    confirmed: Verdict
    possible: Verdict
    withdrawn: Verdict
    under_review: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What leaked, and what to do."""

    title: str
    proven: str
    as_of: str
    made_up: str
    nothing_published: Verdict
    holder: Verdicts
    recipient: Verdicts
    not_found: Verdict
    cannot_tell: Verdict
    partly_cannot_tell: str
    several: str
    items: str
    items_withdrawn: str
    items_earlier: str
    views: str
    hints: str
    actions: str
    call: str
    open_link: str
    about: str
    facts: str
    fact_states: "FactStates"
    by_authority: str
    another_title: str
    another: str
    too_many_identifiers: str
    stop_title: str
    stop: str
    stop_button: str
    stopped: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactStates:
    """How sure a fact is."""

    confirmed: str
    disputed: str
    under_investigation: str
    withheld: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The statutory notice and the word that it was read."""

    title: str
    version: str
    leaked_items: str
    circumstances: str
    self_protection: str
    response: str
    relief: str
    contact: str
    rights: str
    read_title: str
    read_button: str
    was_read: str
    newer: str
    superseded: str
    stale: str
    receipts: str
    receipts_title: str
    receipts_intro: str
    receipts_none: str
    receipt: str
    download: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Holding a name or an address against one's own record."""

    title: str
    intro: str
    kind: str
    name: str
    address: str
    label: str
    hint: str
    button: str
    result: str
    invalid: str
    matched_exposed: str
    matched_kept: str
    unknown_exposed: str
    unknown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Pages of what went wrong; none of them says anything about the person."""

    unavailable: Verdict
    internal: Verdict
    too_many: Verdict
    not_found: Verdict
    method: Verdict
    forbidden: Verdict
    too_large: Verdict
    other: Verdict
    wait: str
    again: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """All of one language."""

    lang: str
    date: str
    """For `str.format`, with y, month, d."""
    moment: str
    """For `str.format`, with the above and the time of day in Korea."""
    months: tuple[str, ...]
    site: Site
    start: Start
    code: Code
    answer: Answer
    notice: Notice
    check: Check
    failures: Failures

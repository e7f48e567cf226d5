"""The schema of the page texts. Every language must define every field.

Texts are plain text, not HTML. Placeholders in braces are filled with `str.format` by the template, which escapes the result.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTexts:
    """Texts of every page: header, links, safety tips."""

    name: str
    skip_link: str
    other_language: str
    other_language_name: str
    error_prefix: str
    error_summary: str
    safety_title: str
    safety_tips: tuple[str, ...]
    sign_out: str
    start_link: str
    answer_link: str
    session_identifiers: str
    session_hint: str
    not_me: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationTexts:
    """Waiting times, for `StartTexts.wait` and `StartTexts.queued`."""

    seconds: str
    minutes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTexts:
    """Texts of the first page, where a code is requested."""

    title: str
    intro: str
    steps: tuple[str, ...]
    label: str
    hint: str
    button: str
    privacy: str
    missing_identifier: str
    invalid_email: str
    invalid_phone: str
    verify_first: str
    verify_again: str
    signed_out: str
    verification_ended: str
    wait: str
    queued: str
    durations: DurationTexts


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTexts:
    """Texts of the page where the code is entered."""

    title: str
    sent_to: str
    new_code_sent: str
    valid_until: str
    label: str
    hint: str
    button: str
    not_received_title: str
    not_received: str
    resend: str
    resend_too_soon: str
    use_other_identifier: str
    invalid_format: str
    incorrect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TitledText:
    """A title and a paragraph."""

    title: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceTexts:
    """The result for each confidence."""

    confirmed: TitledText
    possible: TitledText
    withdrawn: TitledText
    under_review: TitledText


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTexts:
    """Texts of the answer page."""

    title: str
    verified_identifiers: str
    as_of: str
    synthetic: str
    nothing_published: TitledText
    holder: ConfidenceTexts
    recipient: ConfidenceTexts
    not_found: TitledText
    cannot_tell: TitledText
    partly_cannot_tell: str
    several_people: str
    exposed_items: str
    items_withdrawn: str
    items_earlier: str
    times_viewed: str
    hints: str
    actions: str
    call: str
    open_link: str
    about_incident: str
    facts: str
    fact_states: "FactStateTexts"
    fact_source: str
    other_identifier_title: str
    other_identifier: str
    too_many_identifiers: str
    opt_out_title: str
    opt_out: str
    opt_out_button: str
    opted_out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactStateTexts:
    """Labels of the states of a fact."""

    confirmed: str
    disputed: str
    under_investigation: str
    withheld: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeTexts:
    """Texts of the statutory notice, its acknowledgement and the receipts."""

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
    acknowledged_at: str
    changed_since_read: str
    superseded: str
    answer_changed: str
    receipts_link: str
    receipts_title: str
    receipts_intro: str
    no_receipts: str
    receipt_title: str
    download_link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCheckTexts:
    """Texts of the form that checks a name or an address against the person's record."""

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
    matched_not_exposed: str
    unmatched_exposed: str
    unmatched: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorTexts:
    """Texts of error pages. None may say anything about the person."""

    unavailable: TitledText
    internal_error: TitledText
    too_many_requests: TitledText
    not_found: TitledText
    method_not_allowed: TitledText
    forbidden: TitledText
    too_large: TitledText
    other_error: TitledText
    retry_after: str
    retry_link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """All texts of one language."""

    lang: str
    date_format: str
    """Placeholders: y, month, d."""
    datetime_format: str
    """Placeholders: y, month, d, time (in Korea)."""
    months: tuple[str, ...]
    site: SiteTexts
    start: StartTexts
    code: CodeTexts
    answer: AnswerTexts
    notice: NoticeTexts
    check: ValueCheckTexts
    errors: ErrorTexts

"""Canonical form of email addresses: ``local@domain``, with case folded in the local part and the domain in ASCII.

1. Fold the text as for every kind; a full-width ＠ becomes @, and a typographic apostrophe '. Replace all dashes by -. Strip nothing: display names,
   ``mailto:``, quotes, also a single one at an end of the local part, and a trailing dot are refused. Refuse an address that is already masked.
2. Fold the case of the local part, but only one character to one character: ß and ss are two mailboxes, and codes are sent to the canonical form.
   Keep dots and plus tags: their meaning depends on the provider.
3. Validate the syntax with email-validator, which also converts the domain (한글.example) to ASCII (xn--bj0bj06e.example): every mail server
   accepts that. Beyond ASCII, accept only letters, marks and numbers in the local part (after UTS #39, 3.3): a symbol is a slip, and would be another
   mailbox. Accept reserved domains (RFC 2606: .test, .example, .invalid): synthetic data uses them.
"""

import re
from contextlib import suppress
from unicodedata import category, normalize

import email_validator

from app.identifiers.folding import DASH_CHARS, MalformedValue, fold_text
from app.identifiers.masked import is_masked_email

MAX_LENGTH = 254
"""Octets of an address (RFC 3696, erratum 1690). email-validator checks it again after converting the domain to ASCII."""

NOT_AN_EMAIL = "not-an-email"
"""The reason of text that is malformed, and neither masked nor too long."""

# The documented way to allow reserved domains; the only option is for .test. Nothing else in this project validates emails.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


_DASH = re.compile(rf"(?<![\u3041-\u30ff])\u30fc|(?!\u30fc)[{DASH_CHARS}]")
"""A dash; ー after kana is a letter, as in コーヒー."""
_BETWEEN_EMAILS = re.compile(r"[^\w.@+-]+")
"""Much of this may stand in a local part, but is more likely to separate two emails in text that is not one email."""
_ALLOWED_CATEGORIES = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Nl", "No"}


def canonicalize(text: str) -> str:
    """Return the canonical form of an email, which is digested and which codes are sent to.

    Raises:
        MalformedValue: ``not-an-email``, ``too-long``, ``masked``, or a reason of `fold_text`.
    """
    folded = _DASH.sub("-", fold_text("email", text))  # 1
    if len(folded) > MAX_LENGTH:
        raise MalformedValue("email", "too-long")
    if is_masked_email(folded):
        raise MalformedValue("email", "masked")
    local, _, domain = folded.rpartition("@")
    validated = _validate(f"{_fold_local_case(local)}@{domain}") if _has_only_letters_beyond_ascii(local) else None
    if validated is None or local.startswith("'") or local.endswith("'"):
        raise MalformedValue("email", NOT_AN_EMAIL)
    return f"{validated.local_part}@{validated.ascii_domain}"


def holds_several_emails(text: str) -> bool:
    """Return whether *text*, which is not an email, holds two different ones, whatever separates them."""
    found: set[str] = set()
    for part in _BETWEEN_EMAILS.split(normalize("NFKC", text)):
        if "@" in part:
            with suppress(MalformedValue):
                found.add(canonicalize(part))
        if len(found) > 1:
            return True
    return False


def _has_only_letters_beyond_ascii(local: str) -> bool:  # 3
    return local.isascii() or all(char.isascii() or category(char) in _ALLOWED_CATEGORIES for char in local)


def _fold_local_case(local: str) -> str:
    if local.isascii():
        return local.lower()
    # The result may compose now, which email-validator does: there is no composed H̱, but a composed ẖ.
    return "".join(map(_fold_char_case, local))


def _fold_char_case(char: str) -> str:  # 2
    folded = char.casefold()
    return folded if len(folded) == 1 else char


def _validate(address: str) -> email_validator.ValidatedEmail | None:  # 3
    # Returns None instead of raising: email-validator's messages quote the address and would become the context of our error.
    try:
        return email_validator.validate_email(
            address,
            allow_smtputf8=True,
            allow_empty_local=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
            check_deliverability=False,
            globally_deliverable=True,
        )
    except ValueError:  # EmailNotValidError is one, and so are idna's
        return None


def mask(canonical: str) -> str:
    """Show ``h***@e***.com``: the first letters and the top-level domain. The number of stars does not depend on what they hide."""
    local, _, domain = canonical.rpartition("@")
    host, _, top = domain.rpartition(".")
    return f"{_first_letter(local)}***@{_first_letter(host)}***.{top}"


def _first_letter(part: str) -> str:
    return part[0] if len(part) > 1 else ""

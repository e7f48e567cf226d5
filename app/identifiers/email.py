"""Email addresses: ``local@domain``, the local part caseless, the domain in ASCII.

1. Folded as all text is, so a full-width ＠ is an @. Nothing is cut off: display names, ``mailto:``, quotes and a domain's last dot are refused.
2. The local part loses its case, but only where one character stands for one: ß and ss are two mailboxes, and the code is sent to this form.
   Dots and plus tags stay: what they mean is the provider's affair.
3. The syntax, and the domain's two forms (한글.example, xn--bj0bj06e.example), are email-validator's; ASCII is kept: every mail server takes it.
   Reserved domains (RFC 2606: .test, .example, .invalid) are taken like any: made-up data lives there.
"""

import email_validator

from app.identifiers.folding import MalformedValue, fold

LIMIT = 254
"""Octets of an address on the wire (RFC 3696, erratum 1690); email-validator counts again once the domain has been put into ASCII."""

# The documented way to lift them; an option exists for .test alone. Nothing else in this project validates addresses.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def canonicalize(text: str) -> str:
    """Spell the one form that is digested, and that codes are sent to.

    Raises:
        Malformed: ``not-an-email``, or what `fold` refuses.
    """
    folded = fold("email", text)  # 1
    if len(folded) > LIMIT:
        raise MalformedValue("email", "too-long")
    local, _, domain = folded.rpartition("@")
    valid = _validated(f"{_caseless(local)}@{domain}")
    if valid is None:
        raise MalformedValue("email", "not-an-email")
    return f"{valid.local_part}@{valid.ascii_domain}"


def _caseless(local: str) -> str:
    if local.isascii():
        return local.lower()
    return "".join(
        map(_caseless_char, local)
    )  # email-validator composes what now can: H̱ has no letter of its own, ẖ has


def _caseless_char(char: str) -> str:  # 2
    folded = char.casefold()
    return folded if len(folded) == 1 else char


def _validated(address: str) -> email_validator.ValidatedEmail | None:  # 3
    # None rather than an error: email-validator's messages quote the address, and would hang on ours as its context.
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
    """Show ``h***@e***.com``: two first letters and the top-level domain. The stars do not tell how many letters they hide."""
    local, _, domain = canonical.rpartition("@")
    host, _, top = domain.rpartition(".")
    return f"{_first(local)}***@{_first(host)}***.{top}"


def _first(part: str) -> str:
    return part[0] if len(part) > 1 else ""

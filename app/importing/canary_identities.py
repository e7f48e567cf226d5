"""Canary identities: fictitious people derived from the application key and the incident. All data sets of an incident share them.

Their identifiers belong to no real person. Emails are at a domain that does not deliver mail. Phone numbers are in the exchanges 0000 to 1999 of
010, which are not assigned (https://kukinews.com/article/view/kuk201709210160).
"""

import hmac

from app.crypto.keys import ApplicationKey
from app.datasets.errors import ImportFailed
from app.identifiers import MalformedValue, canonicalize
from app.synthetic.people import PersonGenerator, SeededChoice, format_address

MAX_PER_KIND = 2
"""Emails, phones, names and addresses of one canary. Few people have more."""
_EMAILS_PER_CANARY = 2 * MAX_PER_KIND
"""Distinct emails reserved for each canary: an email also replaces a phone number that cannot be used."""
_PHONE_CANDIDATES = 4
"""Phone numbers drawn for each canary."""
_PLACEHOLDER_EXCHANGES = frozenset({0, 1111, 1234})
"""Exchanges that people enter when they do not want to give a number. They must not raise an alert."""


class CanaryIdentities:
    """Generates the identity of each canary by its index. All values are in canonical form."""

    def __init__(self, application_key: ApplicationKey, incident: str, domain: str) -> None:
        """Derive the seed of the incident.

        Raises:
            ImportFailed: the domain is not valid in an email address.
        """
        seed = hmac.digest(application_key.subkey("canaries"), incident.encode(), "sha256")
        self._people = PersonGenerator(1, int.from_bytes(seed, "big"))
        try:
            self._domain = canonicalize("email", f"a@{domain}").removeprefix("a@")
        except MalformedValue:
            raise ImportFailed("canary domain: must be valid in an email address") from None

    def seeded_choice(self, index: int) -> SeededChoice:
        """Return the random numbers for the decisions about a canary; *index* counts attempts, several for each canary."""
        return self._people.seeded_choice(b"decided", index)

    def account_ref(self, index: int) -> str:
        """Return a unique account_ref."""
        return f"{self._people.seeded_choice(b'account', index).integer_below(1 << 128):032x}"

    def emails(self, index: int, count: int) -> list[str]:
        """Return *count* emails that cannot be guessed."""
        emails = []
        for email_index in range(index * _EMAILS_PER_CANARY, index * _EMAILS_PER_CANARY + count):
            given_name, surname = self._people.non_customer(email_index).latin_name.lower().split()
            digits = self._people.seeded_choice(b"email", email_index).integer_below(10**8)
            emails.append(f"{given_name}.{surname}{digits}@{self._domain}")
        return emails

    def phones(self, index: int) -> list[str]:
        """Return all phone numbers that a canary may have. None is in `_PLACEHOLDER_EXCHANGES`."""
        indexes = range(index * _PHONE_CANDIDATES, (index + 1) * _PHONE_CANDIDATES)
        draws = [self._people.seeded_choice(b"phone", phone_index) for phone_index in indexes]
        numbers = [(draw.integer_below(2000), draw.integer_below(10_000)) for draw in draws]
        return [f"+8210{exchange:04}{line:04}" for exchange, line in numbers if exchange not in _PLACEHOLDER_EXCHANGES]

    def names(self, index: int, count: int) -> list[str]:
        """Return up to `MAX_PER_KIND` names: one in Hangul, then one in Latin letters."""
        person = self._people.non_customer(index * MAX_PER_KIND)
        return [canonicalize("name", text) for text in (person.name, person.latin_name)[:count]]

    def addresses(self, index: int, count: int) -> list[str]:
        """Return up to `MAX_PER_KIND` addresses."""
        indexes = range(index * MAX_PER_KIND, index * MAX_PER_KIND + min(count, MAX_PER_KIND))
        homes = [self._people.non_customer(home_index).address for home_index in indexes]
        return [canonicalize("address", format_address(home)) for home in homes]

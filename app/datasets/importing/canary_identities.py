"""People whom nobody is, drawn under the application secret for one incident: each of its data sets has the same ones, as it has the same people.

Their identifiers are nobody's. Emails stand at a domain that delivers to nobody. Phones are of the exchanges 0000 to 1999 of 010, which may not be
used (https://kukinews.com/article/view/kuk201709210160).
"""

import hmac

from app.crypto.keys import ApplicationKey
from app.datasets.errors import ImportFailed
from app.datasets.synthetic.people import SeededChoice, PersonGenerator, format_address
from app.identifiers import MalformedValue, canonicalize

EACH = 2
"""Emails, phones, names and addresses of one at most: few people have more."""
_EMAILS = 2 * EACH
"""That may be asked for, since one takes the place of a phone that cannot be used."""
_PHONES = 4
"""That are drawn for each."""
_TYPED = frozenset({0, 1111, 1234})
"""Exchanges that people type who have no number to give, and who are not to raise an alarm."""


class Nobodies:
    """As many of them as are asked for, by number; all they have is in canonical form."""

    def __init__(self, secret: ApplicationKey, incident: str, domain: str) -> None:
        """Know their seed.

        Raises:
            ImportFailed: no email can stand at the domain.
        """
        seed = hmac.digest(secret.subkey("canaries"), incident.encode(), "sha256")
        self._people = PersonGenerator(1, int.from_bytes(seed, "big"))
        try:
            self._domain = canonicalize("email", f"a@{domain}").removeprefix("a@")
        except MalformedValue:
            raise ImportFailed("canary domain: no email can stand at it") from None

    def draw(self, number: int) -> SeededChoice:
        """Begin to draw what is decided about one of them, attempt by attempt."""
        return self._people.seeded_choice(b"decided", number)

    def account(self, number: int) -> str:
        """Give an account_ref that is nobody else's."""
        return f"{self._people.seeded_choice(b'account', number).integer_below(1 << 128):032x}"

    def emails(self, number: int, count: int) -> list[str]:
        """Give some emails, which nobody guesses."""
        found = []
        for at in range(number * _EMAILS, number * _EMAILS + count):
            given, surname = self._people.non_customer(at).latin_name.lower().split()
            found.append(f"{given}.{surname}{self._people.seeded_choice(b'email', at).integer_below(10**8)}@{self._domain}")
        return found

    def phones(self, number: int) -> list[str]:
        """Give all phones that one may have, none of them of `_TYPED`."""
        draws = [self._people.seeded_choice(b"phone", at) for at in range(number * _PHONES, (number + 1) * _PHONES)]
        drawn = [(draw.integer_below(2000), draw.integer_below(10_000)) for draw in draws]
        return [f"+8210{exchange:04}{line:04}" for exchange, line in drawn if exchange not in _TYPED]

    def names(self, number: int, count: int) -> list[str]:
        """Give up to `EACH` names: in Hangul, then in Latin letters."""
        one = self._people.non_customer(number * EACH)
        return [canonicalize("name", text) for text in (one.name, one.latin_name)[:count]]

    def addresses(self, number: int, count: int) -> list[str]:
        """Give up to `EACH` addresses."""
        homes = [self._people.non_customer(at).address for at in range(number * EACH, number * EACH + min(count, EACH))]
        return [canonicalize("address", format_address(home)) for home in homes]

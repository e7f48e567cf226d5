"""The people whom the attacker looks for."""

from tests.theft.attacker import Guess

AFFECTED = {
    "A-1001": Guess("phone", "+821020000017", "A-1001"),
    "A-1002": Guess("phone", "+821020054321", "A-1002"),
    "A-1003": Guess("email", "person-77@example.com", "A-1003"),
}
OPTED_OUT = Guess("phone", "+821020098765")
"""Used the service without being affected: only what lies around the store can name this person."""
VICTIMS = {guess.identifier for guess in (*AFFECTED.values(), OPTED_OUT)}
USERS = {AFFECTED["A-1001"].identifier, OPTED_OUT.identifier}

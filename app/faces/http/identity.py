"""Who is calling, for every face: from a session's token to what its holder has proven."""

from collections.abc import Callable
from typing import TypeVar

from app.db import Reader
from app.exposures import Proof
from app.faces.http.services import Services
from app.verification import Identity

T = TypeVar("T")


def read_as(services: Services, token: str, work: Callable[[Reader, Identity], T]) -> T:
    """Run *work* as the token's holder, on one state of the database; `Database.glance` says what it may read.

    It may run twice, so it must have no side effects: no budget, no metric, no log line.

    Raises:
        NoSession: unknown, or ended.
        Unavailable: something could not be read; then there is no answer.
    """
    return services.database.glance(lambda reader: work(reader, identity_of(services, reader, token)))


def read_identity(services: Services, token: str) -> Identity:
    """Read who holds the token, before something that must happen once, such as charging a budget.

    Raises:
        NoSession: unknown, or ended.
        Unavailable: the database failed.
    """
    return services.database.glance(lambda reader: identity_of(services, reader, token))


def identity_of(services: Services, reader: Reader, token: str) -> Identity:
    """Read who holds the token.

    Raises:
        NoSession: unknown, or ended.
    """
    return services.sessions.read(reader, token, now=services.clock())


def proofs_of(identity: Identity) -> list[Proof]:
    """Hand over what was proven to those who need not know how."""
    return [Proof(one.kind, one.digest) for one in identity.identifiers]

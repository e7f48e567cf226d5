"""Who is calling, for every face: from a session's token to what its holder has proven."""

from collections.abc import Callable
from typing import TypeVar

from app.db import Reader
from app.exposures import IdentifierDigest
from app.faces.http.services import Services
from app.verification import Principal

T = TypeVar("T")


def read_as_principal(services: Services, token: str, work: Callable[[Reader, Principal], T]) -> T:
    """Run *work* as the token's holder, on one state of the database; `Database.optimistic_read` says what it may read.

    It may run twice, so it must have no side effects: no budget, no metric, no log line.

    Raises:
        NotSignedIn: unknown, or ended.
        DependencyUnavailable: something could not be read; then there is no answer.
    """
    return services.database.optimistic_read(lambda reader: work(reader, principal_of(services, reader, token)))


def load_principal(services: Services, token: str) -> Principal:
    """Read who holds the token, before something that must happen once, such as charging a budget.

    Raises:
        NotSignedIn: unknown, or ended.
        DependencyUnavailable: the database failed.
    """
    return services.database.optimistic_read(lambda reader: principal_of(services, reader, token))


def principal_of(services: Services, reader: Reader, token: str) -> Principal:
    """Read who holds the token.

    Raises:
        NotSignedIn: unknown, or ended.
    """
    return services.sessions.get(reader, token, now=services.clock())


def identifier_digests_of(principal: Principal) -> list[IdentifierDigest]:
    """Hand over what was proven to those who need not know how."""
    return [IdentifierDigest(one.kind, one.digest) for one in principal.identifiers]

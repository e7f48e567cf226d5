"""Authentication for the API and the pages: from a session token to the identifiers that its holder has verified."""

from collections.abc import Callable
from typing import TypeVar

from app.db import Reader
from app.exposures import IdentifierDigest
from app.http.services import Services
from app.verification import Principal

T = TypeVar("T")


def read_as_principal(services: Services, token: str, work: Callable[[Reader, Principal], T]) -> T:
    """Run *work* for the token's holder, on one state of the database; `Database.optimistic_read` says what it may read.

    *work* may run twice, so it must have no side effects: it charges no rate limit, counts no metric and logs nothing.

    Raises:
        NotSignedIn: the token is unknown or expired.
        DependencyUnavailable: something could not be read, so there is no answer.
    """
    return services.database.optimistic_read(lambda db: work(db, principal_of(services, db, token)))


def load_principal(services: Services, token: str) -> Principal:
    """Return the token's holder. Call this before anything that must happen exactly once, such as charging a rate limit.

    Raises:
        NotSignedIn: the token is unknown or expired.
        DependencyUnavailable: the database failed.
    """
    return services.database.optimistic_read(lambda db: principal_of(services, db, token))


def principal_of(services: Services, db: Reader, token: str) -> Principal:
    """Return the token's holder, read through *db*.

    Raises:
        NotSignedIn: the token is unknown or expired.
    """
    return services.sessions.get(db, token, now=services.clock())


def identifier_digests_of(principal: Principal) -> list[IdentifierDigest]:
    """Convert verified identifiers to what the exposure service needs."""
    return [IdentifierDigest(identifier.kind, identifier.digest) for identifier in principal.identifiers]

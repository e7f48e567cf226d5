"""The exposures of a signed-in person: reading them, checking a value against them, acknowledging their notices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.acknowledgements import Acknowledgement, Receipt, UnknownExposure
from app.db import Reader
from app.exposures import Exposure, ExposureReport, ValueCheckResult, exposure_id
from app.http.auth import identifier_digests_of, load_principal, read_as_principal
from app.http.services import Services
from app.identifiers import ValueKind
from app.incidents.cache import CachedIncident
from app.incidents.notices import Notice
from app.locales import Locale
from app.verification import Principal


@dataclass(frozen=True, slots=True)
class ReportedExposure:
    """An exposure with its id in this session, its incident, and its last acknowledgement."""

    id: str
    exposure: Exposure
    incident: CachedIncident
    acknowledgement: Acknowledgement | None


@dataclass(frozen=True, slots=True)
class PersonReport:
    """Everything that a session may read, from one state of the database."""

    principal: Principal
    report: ExposureReport
    exposures: tuple[ReportedExposure, ...]
    incidents: Mapping[str, CachedIncident]
    """All incidents by slug, oldest first."""


def load_person_report(services: Services, token: str) -> PersonReport:
    """Load the exposures of the token's holder.

    Raises:
        NotSignedIn: the token is unknown or expired.
        ReverificationNeeded: the session lacks what is needed to read the current data sets.
        DependencyUnavailable: a dependency failed, so there is no answer.
    """

    def read(db: Reader, principal: Principal) -> PersonReport:
        report = services.exposures.find(db, identifier_digests_of(principal))
        incidents = services.incident_cache.get_all(db)
        acknowledgements = services.acknowledgements.latest_for_exposures(db, report.exposures)
        exposures = tuple(
            ReportedExposure(
                exposure_id(principal.session_key, exposure), exposure, incidents[exposure.incident], acknowledgement
            )
            for exposure, acknowledgement in zip(report.exposures, acknowledgements, strict=True)
        )
        return PersonReport(principal, report, exposures, incidents)

    return read_as_principal(services, token, read)


def check_value(services: Services, token: str, kind: ValueKind, value: str) -> dict[str, ValueCheckResult]:
    """Compare a value with the person's own records. Return the results by exposure id.

    Raises:
        InvalidValue: not a valid value of this kind.
        RateLimited: too many checks were made with an identifier of the session.
        NotSignedIn, ReverificationNeeded, DependencyUnavailable: as for `load_person_report`.
    """
    pseudonyms = [identifier.pseudonym for identifier in load_principal(services, token).identifiers]
    services.action_limiter.charge_value_check(pseudonyms, now=services.clock())  # once: `check` may run twice

    def check(db: Reader, principal: Principal) -> dict[str, ValueCheckResult]:
        results = services.exposures.check_value(db, identifier_digests_of(principal), kind, value)
        return {exposure_id(principal.session_key, result.exposure): result for result in results}

    return read_as_principal(services, token, check)


def acknowledge_notices(
    services: Services, token: str, exposure_ids: Sequence[str], notice_version: int, locale: Locale
) -> list[tuple[Exposure, Acknowledgement]]:
    """Record that the person has read the notices of some exposures: all of them or none. Return each with its acknowledgement.

    Raises:
        UnknownExposure: an id is not of this session, or there is no id.
        NoticeSuperseded: *notice_version* is not the newest.
        NotSignedIn, ReverificationNeeded, DependencyUnavailable: as for `load_person_report`.
    """

    def find(db: Reader, principal: Principal) -> list[tuple[Exposure, Notice]]:
        exposures = services.exposures.find(db, identifier_digests_of(principal)).exposures
        by_id = {exposure_id(principal.session_key, exposure): exposure for exposure in exposures}
        if not exposure_ids or not by_id.keys() >= set(exposure_ids):
            raise UnknownExposure("not an exposure of this session")
        incidents = services.incident_cache.get_all(db)
        selected = [
            by_id[own_id] for own_id in by_id if own_id in exposure_ids
        ]  # in one order, so that concurrent calls do not deadlock
        return [(exposure, incidents[exposure.incident].notices[locale]) for exposure in selected]

    selected = read_as_principal(services, token, find)
    now = services.clock()
    with services.database.write() as db:
        return [
            (exposure, services.acknowledgements.acknowledge(db, exposure, notice, notice_version, now=now))
            for exposure, notice in selected
        ]


def load_receipts(services: Services, token: str) -> list[Receipt]:
    """Return the receipts of the token's holder, oldest first.

    Raises:
        NotSignedIn, ReverificationNeeded, DependencyUnavailable: as for `load_person_report`.
    """

    def read(db: Reader, principal: Principal) -> list[Receipt]:
        exposures = services.exposures.find(db, identifier_digests_of(principal)).exposures
        return services.acknowledgements.receipts_for_exposures(db, exposures)

    return read_as_principal(services, token, read)

"""Holding a data set against its signed manifest, and against the file it came from."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from app.crypto.keyfiles import KeyRing
from app.crypto.seal import NOBODYS
from app.datasets import queries, scheme, versions
from app.datasets.errors import ImportFailed, Unstretched
from app.datasets.importing.reading import Grouped, group
from app.datasets.importing.sealing import Plan, SealedRow, seal
from app.datasets.lookup import Register
from app.datasets.manifest import Account, read_signed
from app.datasets.synthetic import SYNTHETIC_MARK
from app.datasets.versions import DataSet
from app.incidents import get as get_incident
from app.keyholder import Keyholder

SAMPLE = 500
"""People of the source file that are opened."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found; `faults` is empty where all is well."""

    rows: int
    sampled: int
    suppressed: int
    faults: tuple[str, ...]


def verify(
    session: Session,
    dataset: DataSet,
    *,
    keys: KeyRing,
    register: Register,
    source: tuple[Path, str] | None,
    import_door: Keyholder,
) -> Verdict:
    """Check a data set.

    1. The manifest's signature holds.
    2. The sentinel opens.
    3. Count and digest of the rows are the manifest's.
    4. What is kept about the data set is the manifest's.
    5. Where the source file is given (with its encoding), a sample of its people is sealed once more, and lies in the store just so.

    Raises:
        NotNow: it is retired: there is nothing left to check.
        BadManifest: the signature does not hold.
        BadFile: the source file cannot be read.
        Unavailable: the keyholder, the database, the sentinel or a key failed.
    """
    versions.require_rows(dataset)
    key = keys.store(dataset.key_id)
    manifest = read_signed(*queries.manifest(session, dataset.id), keys.signing())  # (1)
    register.look_up(session, [], dataset=dataset)  # (2)
    account = Account(key)
    faults = []
    try:
        for row in queries.rows(session, dataset.id):
            account.add(*row)
    except (AttributeError, TypeError):  # SQLite keeps whatever type was put in
        faults.append("a row holds what no import writes")
    if not manifest.matches(account):  # (3)
        faults.append(f"{account.count:,} rows where the manifest has {manifest.rows:,}, or some of them changed")
    if not manifest.describes(dataset):  # (4)
        faults.append("the list of data sets says other than the manifest")
    sampled = 0
    if source is not None:  # (5)
        sampled, missing = _sample(session, dataset, source, register, import_door, manifest.hints)
        if missing > manifest.suppressed:
            faults.append(
                f"{missing} of {sampled} sampled people of the file are not in the store as the file has them"
            )
    return Verdict(account.count, sampled, manifest.suppressed, tuple(faults))


def _sample(
    session: Session,
    dataset: DataSet,
    source: tuple[Path, str],
    register: Register,
    import_door: Keyholder,
    hints: bool,
) -> tuple[int, int]:
    """Seal a sample of the file's people again; gives how many, and how many of them are not in the store."""
    current = scheme.current(session)
    if current is None:
        raise Unstretched("there is no scheme")
    path, encoding = source
    grouped = Grouped()
    for _ in group(path, encoding, mark=SYNTHETIC_MARK, grouped=grouped):
        pass
    plan = Plan.of(get_incident(session, dataset.incident), current, grouped, dataset=dataset.id, hints=hints)
    people = list(grouped.people.values())
    step = max(1, len(people) // SAMPLE)
    sampled = [seal([person], plan, import_door).rows for person in people[::step]]
    found = [rows for rows in sampled if rows]
    if not found:
        raise ImportFailed(f"{path}: nobody in it has a usable email or phone")
    return len(found), sum(not all(_stored(session, dataset, row, register) for row in rows) for rows in found)


def _stored(session: Session, dataset: DataSet, row: SealedRow, register: Register) -> bool:
    sealer = register.sealer(dataset)
    for _, (_, entry, sealed) in queries.rows_at(session, [(dataset.id, [sealer.cloak(row.locator)])]):
        tag, inner = sealer.open(row.locator, entry, sealed)
        if inner == NOBODYS or (tag, inner) == (row.tag, row.inner):
            return True
    return False

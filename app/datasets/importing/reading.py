"""Stage one: the findings of a file, grouped to one person."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.datasets.files import Finding, Reject, read


@dataclass(frozen=True, slots=True)
class Person:
    """All findings about one person: the holder of an account, or somebody in that account's address book."""

    account_ref: str = field(repr=False)
    recipient_ref: str = field(repr=False)
    findings: list[Finding] = field(default_factory=list, repr=False)


@dataclass(slots=True)
class Grouped:
    """A whole file, person by person."""

    people: dict[tuple[str, str], Person] = field(default_factory=dict, repr=False)
    cohorts: set[str] = field(default_factory=set)
    rejects: list[Reject] = field(default_factory=list)
    findings: int = 0
    synthetic: bool = False


def group(path: Path, encoding: str, *, mark: str, grouped: Grouped) -> Iterator[int]:
    """Read *path* into *grouped*; gives the count of rows read, after each.

    Args:
        path: the data set file.
        encoding: of CSV and NDJSON.
        mark: how the account_ref of a made-up person begins.
        grouped: what is filled.
    Raises:
        BadFile: the file as a whole cannot be read.
    """
    for row, found in enumerate(read(path, encoding=encoding), 1):
        if isinstance(found, Reject):
            grouped.rejects.append(found)
        else:
            key = (found.account_ref, found.recipient_ref)
            grouped.people.setdefault(key, Person(*key)).findings.append(found)
            grouped.findings += 1
            grouped.synthetic |= found.account_ref.startswith(mark)
            if found.cohort:
                grouped.cohorts.add(found.cohort)
        yield row

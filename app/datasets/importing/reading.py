"""Stage one: the rows of a file, judged, in canonical form, and put aside by person.

Everything that can be refused about a row is refused here, before anything is sealed. Rows of one person, wherever in the file they stand, come to
lie in one partition.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from app.crypto import messages
from app.datasets.files import Block, Finding, Format, Reject
from app.datasets.importing.spill import Spill
from app.datasets.record import CONFIDENCES
from app.datasets.synthetic import SYNTHETIC_MARK
from app.identifiers import Kind, Malformed, canonical
from app.incidents import ITEM_KINDS

BETWEEN = "\0"
"""Between two values of a kind: no canonical form holds it."""


class Row(NamedTuple):
    """A finding in canonical form: what `marshal` takes, and no more objects than it needs.

    Several values of a kind stand in order, with `BETWEEN` between them.
    """

    who: str
    """account_ref and recipient_ref, joined by `messages.references`."""
    line: int
    email: str
    phone: str
    name: str
    address: str
    items: int
    """A bit for each of `ITEM_KINDS`."""
    cohort: str
    views: int
    confidence: int
    """Its place in `CONFIDENCES`."""

    def __repr__(self) -> str:
        return f"Row(line={self.line})"


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading the blocks of a file takes."""

    format: Format
    declared: frozenset[str]
    """Items that the incident knows."""
    partitions: int
    spill: Spill


@dataclass(slots=True)
class Read:
    """What became of a block."""

    rows: int = 0
    rejects: list[Reject] = field(default_factory=list)
    cohorts: set[str] = field(default_factory=set)
    synthetic: bool = False
    read: int = 0


def read_block(reading: Reading, task: tuple[int, Block]) -> Read:
    """Read a block and put its rows aside, in a file of its number.

    Raises:
        BadFile: the block cannot be read as a whole.
    """
    number, block = task
    done = Read(read=block.read)
    parts: list[list[tuple[object, ...]]] = [[] for _ in range(reading.partitions)]
    for found in canonical_rows(reading.format.parse(block), reading.declared):
        if isinstance(found, Reject):
            done.rejects.append(found)
            continue
        parts[crc32(found.who.encode()) % reading.partitions].append(tuple(found))
        done.rows += 1
        done.cohorts.add(found.cohort)
        done.synthetic = done.synthetic or found.who.startswith(SYNTHETIC_MARK)
    done.cohorts.discard("")
    reading.spill.write(number, parts)
    return done


def canonical_rows(findings: Iterator[Finding | Reject], declared: frozenset[str]) -> Iterator[Row | Reject]:
    """Judge what the rows say, and spell it in canonical form."""
    bits: dict[str, int] = {kind: 1 << bit for bit, kind in enumerate(ITEM_KINDS) if kind in declared}
    confidences = {confidence: place for place, confidence in enumerate(CONFIDENCES)}
    for found in findings:
        if isinstance(found, Reject):
            yield found
            continue
        items = 0
        try:
            for kind in found.items:
                items |= bits[kind]
            yield Row(
                messages.references(found.account_ref, found.recipient_ref),
                found.line,
                _joined("email", found.emails),
                _joined("phone", found.phones),
                _joined("name", found.names),
                _joined("address", found.addresses),
                items,
                found.cohort,
                found.count,
                confidences[found.confidence],
            )
        except KeyError:
            yield Reject(found.line, "items", "an item that the incident does not declare")
        except Malformed as malformed:
            yield Reject(found.line, malformed.kind, malformed.reason)


def _joined(kind: Kind, texts: tuple[str, ...]) -> str:
    if not texts:
        return ""
    if len(texts) == 1:
        return canonical(kind, texts[0])
    return BETWEEN.join(sorted({canonical(kind, text) for text in texts}))

"""Stage one: validates the rows of a file (see `row_validation`), and partitions them by person.

All rows of a person end up in the same partition, wherever they are in the file.
"""

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from app.importing.occurrences import Occurrences
from app.importing.row_batch import VALUE_SEPARATOR, collect_cohorts, partition_by_person, serialize_batch
from app.importing.row_validation import ValidatedBlock, validate_block
from app.importing.spill import Spill
from app.source_files import Block, RejectedRow, SourceFormat
from app.source_files.markers import MARKERS_LIKE_NAMES
from app.synthetic import SYNTHETIC_PREFIX

_MARKERS_LIKE_NAMES = pa.array(MARKERS_LIKE_NAMES, pa.string())


@dataclass(frozen=True, slots=True)
class ReadStage:
    """Input that all tasks of the read stage share."""

    format: SourceFormat
    declared_items: frozenset[str]
    """Items that the incident declares."""
    partition_count: int
    spill: Spill
    watched_phones: frozenset[str] = field(default=frozenset(), repr=False)
    """Candidate phone numbers of canaries, which must not be used if they occur in the file."""


@dataclass(slots=True)
class ReadResult:
    """Counts and rejects of one block."""

    rows: int = 0
    rejects: list[RejectedRow] = field(default_factory=list)
    cohorts: set[str] = field(default_factory=set)
    is_synthetic: bool = False
    bytes_read: int = 0
    """Position in the file after this block."""
    used_phones: set[str] = field(default_factory=set, repr=False)
    """The watched phone numbers that occur in the block."""
    doubtful_names: int = 0
    """Rows whose only name is a marker of nothing that may also be a name."""
    emails_left_out: Occurrences = field(default_factory=Occurrences)
    """Malformed emails that were left out of a row with another identifier."""


def read_block(stage: ReadStage, task: tuple[int, Block]) -> ReadResult:
    """Read a block with its index, and write its rows to the spill file of that index.

    Raises:
        InvalidFile: the block as a whole cannot be read.
    """
    return store_rows(stage, task, validate_block(stage.format.parse(task[1]), stage.declared_items))


def store_rows(stage: ReadStage, task: tuple[int, Block], validated: ValidatedBlock) -> ReadResult:
    """Write the valid rows of a block with its index to the spill file of that index."""
    (block_index, block), rows = task, validated.rows
    stage.spill.write(block_index, [*map(serialize_batch, partition_by_person(rows, stage.partition_count))])
    phones = VALUE_SEPARATOR.join(rows["phone"].to_pylist()).split(VALUE_SEPARATOR) if stage.watched_phones else ()
    return ReadResult(
        rows=rows.num_rows,
        rejects=validated.rejects,
        cohorts=collect_cohorts(rows),
        is_synthetic=pc.any(pc.starts_with(rows["person_ref"], SYNTHETIC_PREFIX)).as_py() is True,
        bytes_read=block.end_position,
        used_phones={*stage.watched_phones.intersection(phones)},
        doubtful_names=pc.sum(pc.is_in(rows["name"], _MARKERS_LIKE_NAMES)).as_py() or 0,
        emails_left_out=validated.emails_left_out,
    )

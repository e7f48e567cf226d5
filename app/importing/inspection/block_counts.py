"""First stage of an inspection: reads a block as an import does, and counts its rows, rejects and spellings."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from app.identifiers import VALUE_KINDS
from app.importing.occurrences import Occurrences, add_by_key
from app.importing.row_batch import VALUE_SEPARATOR
from app.importing.row_validation import validate_block
from app.importing.stages.read import ReadStage, store_rows
from app.source_files import COLUMNS, Block, ParsedBlock, RejectedRow

RejectGroup = tuple[str, str]
"""Column and reason."""


@dataclass(slots=True)
class BlockCounts:
    """Counts of one block, or of several together."""

    rows: int = 0
    """Valid rows."""
    bytes_read: int = 0
    rejects: dict[RejectGroup, Occurrences] = field(default_factory=dict)
    markers: Counter[str] = field(default_factory=Counter)
    """Cells that stand for nothing, by column."""
    cohorts: set[str] = field(default_factory=set)
    doubtful_names: int = 0
    emails_left_out: Occurrences = field(default_factory=Occurrences)
    """Malformed emails that were left out of a row with another identifier."""
    used_columns: set[str] = field(default_factory=set)
    """In a format whose rows name their own columns: the columns of all rows."""
    filled: Counter[str] = field(default_factory=Counter)
    """Cells of valid rows that are not empty, by kind of value."""
    values: Counter[str] = field(default_factory=Counter)
    """Values in these cells."""
    several: Counter[str] = field(default_factory=Counter)
    """Cells with several values."""
    rare_spellings: Counter[str] = field(default_factory=Counter)
    """Cells with a value that only the full rule of its kind decides, those of rejected rows included."""

    @property
    def rejected(self) -> int:
        """Number of rejected rows."""
        return sum(found.count for found in self.rejects.values())

    def add(self, other: "BlockCounts") -> None:
        """Add the counts of the next block."""
        self.rows += other.rows
        self.bytes_read = other.bytes_read
        add_by_key(self.rejects, other.rejects)
        self.cohorts |= other.cohorts
        self.doubtful_names += other.doubtful_names
        self.emails_left_out += other.emails_left_out
        self.used_columns |= other.used_columns
        for name in ("markers", "filled", "values", "several", "rare_spellings"):
            getattr(self, name).update(getattr(other, name))


def count_block(stage: ReadStage, task: tuple[int, Block]) -> BlockCounts:
    """Read a block with its index, write its rows to the spill file of that index, and count them.

    Raises:
        InvalidFile: the block as a whole cannot be read.
    """
    table = stage.format.parse(task[1])
    validated = validate_block(table, stage.declared_items)
    read = store_rows(stage, task, validated)
    counts = BlockCounts(
        rows=read.rows,
        bytes_read=read.bytes_read,
        rejects=group_rejects(read.rejects),
        markers=validated.markers,
        cohorts=read.cohorts,
        doubtful_names=read.doubtful_names,
        emails_left_out=read.emails_left_out,
        used_columns=set() if stage.format.columns else _find_used_columns(table),
        rare_spellings=Counter({kind: validated.rare_spellings[kind] for kind in VALUE_KINDS}),
    )
    for kind in VALUE_KINDS:
        counts.filled[kind], counts.values[kind], counts.several[kind] = _count_values(validated.rows[kind])
    return counts


def group_rejects(rejects: Iterable[RejectedRow]) -> dict[RejectGroup, Occurrences]:
    """Group rejected rows by column and reason."""
    lines: dict[RejectGroup, list[int]] = {}
    for reject in rejects:
        lines.setdefault((reject.column, reject.reason), []).append(reject.line)
    return {group: Occurrences.at(found) for group, found in lines.items()}


def _count_values(cells: pa.StringArray) -> tuple[int, int, int]:
    """Return how many cells are filled, how many values they hold, and how many hold several."""
    filled = len(cells) - (pc.sum(pc.equal(cells, "")).as_py() or 0)
    separators = pc.count_substring(cells, VALUE_SEPARATOR)
    return filled, filled + (pc.sum(separators).as_py() or 0), pc.sum(pc.greater(separators, 0)).as_py() or 0


def _find_used_columns(table: ParsedBlock) -> set[str]:
    cells_by_column = zip(COLUMNS, table.columns, strict=True)
    return {name for name, cells in cells_by_column if any(cell is not None for cell in cells)}

"""What an inspection found in a file. Counts, lines, cohort names and kinds of items: never a value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.datasets.cohort_counts import tabulate_cohort_counts
from app.identifiers import IDENTIFIER_KINDS, VALUE_KINDS
from app.importing.inspection.block_counts import BlockCounts
from app.importing.inspection.people_counts import PeopleCounts
from app.importing.inspection.sharer_counts import SharerCounts
from app.importing.occurrences import Occurrences, add_by_key
from app.source_files import COLUMNS
from app.source_files.recognition import FileTraits


@dataclass(frozen=True, slots=True)
class RejectCount:
    """Rows that are rejected for one reason. *column* is empty if the row as a whole is invalid."""

    column: str
    reason: str
    found: Occurrences


@dataclass(frozen=True, slots=True)
class Spellings:
    """How the values of one kind are written."""

    cells: int
    values: int
    several: int
    """Cells with several values."""
    rare: int
    """Cells that take the full rule, because no common spelling matches."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """Something that occurs suspiciously often."""

    kind: str
    """``email_of_many_people``, ``phone_of_many_people``, ``contradictory_rows``, ``reference_with_many_names`` or ``rounded_reference``."""
    found: Occurrences
    people: int


@dataclass(slots=True)
class InspectionReport:
    """What an inspection found in a file.

    Rows that an import refuses are rejects. What it refuses the file for as a whole is a cause. Repetitions alone are no reason to refuse it.
    """

    file: str
    traits: FileTraits
    columns: Sequence[str] = ()
    """The columns of the file, in the order of `COLUMNS`."""
    blocks: BlockCounts = field(default_factory=BlockCounts)
    people: PeopleCounts = field(default_factory=PeopleCounts)
    sharers: SharerCounts = field(default_factory=SharerCounts)
    causes: list[str] = field(default_factory=list)
    """Why the file as a whole cannot be imported as it is."""

    @property
    def rejects(self) -> list[RejectCount]:
        """The rejected rows by column and reason, most frequent first."""
        groups: dict[tuple[str, str], Occurrences] = {}
        for rejects in (self.blocks.rejects, self.people.rejects):
            add_by_key(groups, rejects)
        counts = [RejectCount(*group, found) for group, found in groups.items()]
        return sorted(counts, key=lambda reject: (-reject.found.count, reject.column, reject.reason))

    @property
    def rejected(self) -> int:
        """Number of rejected rows."""
        return sum(reject.found.count for reject in self.rejects)

    @property
    def is_importable(self) -> bool:
        """Whether an import with default options would accept the file."""
        return not self.causes and not self.rejected

    @property
    def refusal(self) -> str:
        """The first reason why an import would refuse the file; empty if it would not."""
        if self.causes:
            return self.causes[0]
        first = min(self.rejects, key=lambda reject: reject.found.first_lines[0], default=None)
        if first is None:
            return ""
        column = f", column {first.column}" if first.column else ""
        more = f" (and {self.rejected - 1} more)" if self.rejected > 1 else ""
        return f"{self.file}: line {first.found.first_lines[0]}{column}: {first.reason}{more}"

    @property
    def absent_columns(self) -> list[str]:
        """The columns that the file does not have."""
        return [name for name in COLUMNS if name not in self.columns]

    @property
    def spellings(self) -> dict[str, Spellings]:
        """How the values are written, by kind."""
        blocks = self.blocks
        return {
            kind: Spellings(blocks.filled[kind], blocks.values[kind], blocks.several[kind], blocks.rare_spellings[kind])
            for kind in VALUE_KINDS
        }

    @property
    def cohorts(self) -> dict[str, Mapping[str, int]]:
        """For each cohort its people, and those of each item, as `tabulate_cohort_counts` returns them."""
        return dict(sorted(tabulate_cohort_counts(self.people.cohort_items).items()))

    @property
    def repetitions(self) -> list[Repetition]:
        """What occurs suspiciously often."""
        found = [
            (f"{kind}_of_many_people", self.sharers.ambiguous[kind], self.sharers.ambiguous_uses[kind])
            for kind in IDENTIFIER_KINDS
        ]
        merged, names, rounded = self.people.merged_people, self.people.many_names, self.people.rounded_numbers
        found.append(("contradictory_rows", merged, merged.count))
        found.append(("reference_with_many_names", names, names.count))
        if 2 * rounded.count > self.people.long_numbers and rounded.count > 1:  # by chance, one in ten ends in a zero
            found.append(("rounded_reference", rounded, rounded.count))
        return [Repetition(kind, places, people) for kind, places, people in found if places.count]

    def not_served(self, sms_countries: Iterable[str]) -> int:
        """Return the number of people who have only phones of countries outside *sms_countries* (calling codes)."""
        served = {*sms_countries}
        return sum(people for codes, people in self.people.phone_only.items() if served.isdisjoint(codes))

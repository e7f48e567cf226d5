"""The source file of an import: what the read stage found in it, the limit on its rejects, and the digest that identifies it."""

import hmac
from dataclasses import dataclass, field
from operator import attrgetter
from uuid import UUID

from app.crypto.framing import frame
from app.crypto.keys import ApplicationKey
from app.datasets.errors import ImportFailed
from app.importing.canary_planter import PlantedCanaries
from app.importing.occurrences import Occurrences
from app.importing.options import ImportOptions, ImportResult, ProgressListener
from app.importing.seal_result import SEAL_RESULT_FORMAT, SealResult
from app.importing.spill import Spill
from app.importing.stages.read import ReadResult
from app.incidents.schema import Incident
from app.source_files import RejectedRow

ROW_RULES = (
    "items are required; references are normalized; markers of nothing are rejected; malformed emails are left out"
)
"""Names the rules by which rows are rejected or changed, so that an import does not resume with what was sealed under other rules."""


@dataclass(slots=True)
class SourceSummary:
    """What the read stage found in a file, and where it wrote the rows."""

    spill: Spill
    partition_count: int
    mac: str = ""
    """Keyed digest of the file and of all settings that affect what is sealed."""
    block_count: int = 0
    row_count: int = 0
    rejects: list[RejectedRow] = field(default_factory=list)
    cohorts: set[str] = field(default_factory=set)
    is_synthetic: bool = False
    used_phones: set[str] = field(default_factory=set, repr=False)
    """Candidate phone numbers of canaries that occur in the file."""
    doubtful_names: int = 0
    """Rows whose only name is a marker of nothing that may also be a name."""
    emails_left_out: Occurrences = field(default_factory=Occurrences)
    """Malformed emails that were left out of a row with another identifier."""
    canaries: PlantedCanaries = field(default_factory=PlantedCanaries)

    def add(self, result: ReadResult) -> None:
        """Add the result of one block."""
        self.row_count += result.rows
        self.rejects += result.rejects
        self.cohorts |= result.cohorts
        self.is_synthetic = self.is_synthetic or result.is_synthetic
        self.used_phones |= result.used_phones
        self.doubtful_names += result.doubtful_names
        self.emails_left_out += result.emails_left_out

    def to_result(self, sealed: SealResult, dataset: UUID, rows: int, people: int, markers: int) -> ImportResult:
        """Return the result of the import, with the counts of this stage and of the seal stage.

        Args:
            sealed: result of the seal stage for all partitions.
            dataset: id of the data set.
            rows: of the data set, with those of the canaries.
            people: in the data set, without the canaries.
            markers: number of overflow markers.
        """
        return ImportResult(
            dataset,
            rows,
            people,
            sealed.unreachable,
            sealed.phone_only,
            markers,
            self.rejects,
            self.canaries.count,
            self.doubtful_names,
            self.emails_left_out,
            sealed.merged_people,
        )


def start_source_mac(application_key: ApplicationKey, options: ImportOptions, incident: Incident) -> hmac.HMAC:
    """Start the keyed digest of a source with all settings that affect what is sealed. The caller adds the file's content."""
    mac = hmac.new(application_key.subkey("source of an import"), digestmod="sha256")
    settings = (
        ROW_RULES,
        SEAL_RESULT_FORMAT,
        options.incident,
        options.kind,
        options.encoding,
        str(incident.hints),
        str(options.canaries),
        options.canary_domain,
        *sorted(incident.kinds),
    )
    mac.update(frame(*(setting.encode() for setting in settings)))
    return mac


def enforce_reject_limit(
    rejects: list[RejectedRow], options: ImportOptions, listener: ProgressListener, *, has_valid_rows: bool
) -> None:
    """Sort the rejects by line and report them.

    Raises:
        ImportFailed: there are more than the options allow, or every row was rejected.
    """
    rejects.sort(key=attrgetter("line"))
    listener.on_rejects(rejects)
    if has_valid_rows and (options.max_rejects is None or len(rejects) <= options.max_rejects):
        return
    first = rejects[0]
    more = f" (and {len(rejects) - 1} more)" if len(rejects) > 1 else ""
    position = f"line {first.line}, column {first.column}" if first.column else f"line {first.line}"
    raise ImportFailed(f"{options.path}: {position}: {first.reason}{more}; nothing was imported")

"""Third stage of an inspection: how many people share each identifier."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from app.identifiers import IDENTIFIER_KINDS
from app.importing.occurrences import Occurrences, add_by_key
from app.importing.spill import Spill
from app.importing.stages.sort import MAX_PEOPLE_PER_IDENTIFIER

_SCHEMA = pa.schema([("identifier", pa.string()), ("line", pa.int64())])


@dataclass(slots=True)
class SharerCounts:
    """Counts of one partition of identifiers, or of several together, by kind of identifier."""

    shared: Counter[str] = field(default_factory=Counter)
    """Identifiers of two people or more."""
    ambiguous: dict[str, Occurrences] = field(
        default_factory=lambda: {kind: Occurrences() for kind in IDENTIFIER_KINDS}
    )
    """Identifiers of more than `MAX_PEOPLE_PER_IDENTIFIER` people, with the first line of each."""
    ambiguous_uses: Counter[str] = field(default_factory=Counter)
    """How many people these have, counted once for each of their ambiguous identifiers."""

    def add(self, other: "SharerCounts") -> None:
        """Add the counts of another partition."""
        self.shared.update(other.shared)
        self.ambiguous_uses.update(other.ambiguous_uses)
        add_by_key(self.ambiguous, other.ambiguous)


def count_sharers(spill: Spill, file_count: int, partition: int) -> SharerCounts:
    """Count the people of each identifier of one partition.

    Raises:
        SpillCorrupted: a file cannot be decrypted.
    """
    return _count(filter(None, spill.read_all(file_count, partition)))


def _count(chunks: Iterable[bytes]) -> SharerCounts:
    batches = [pa.ipc.read_record_batch(chunk, _SCHEMA) for chunk in chunks]
    result = SharerCounts()
    if not batches:
        return result
    identifiers = pa.concat_batches(batches)
    encoded = identifiers["identifier"].dictionary_encode()
    people = encoded.indices.value_counts().field("counts")  # in the order of the dictionary
    for kind, is_kind in _split_by_kind(encoded.dictionary):
        result.shared[kind] = pc.sum(pc.and_(is_kind, pc.greater(people, 1))).as_py() or 0
        is_ambiguous = pc.and_(is_kind, pc.greater(people, MAX_PEOPLE_PER_IDENTIFIER))
        if pc.any(is_ambiguous).as_py():
            result.ambiguous_uses[kind] = pc.sum(people.filter(is_ambiguous)).as_py()
            result.ambiguous[kind] = _first_lines(identifiers["line"], encoded.indices, is_ambiguous)
    return result


def _split_by_kind(identifiers: pa.StringArray) -> list[tuple[str, pa.BooleanArray]]:
    is_email = pc.match_substring(identifiers, "@")
    return [("email", is_email), ("phone", pc.invert(is_email))]


def _first_lines(lines: pa.Int64Array, indices: pa.Int32Array, is_ambiguous: pa.BooleanArray) -> Occurrences:
    selected = is_ambiguous.take(indices)
    first: dict[int, int] = {}
    for index, line in zip(indices.filter(selected).to_pylist(), lines.filter(selected).to_pylist(), strict=True):
        first[index] = min(line, first.get(index, line))
    return Occurrences.at(first.values())

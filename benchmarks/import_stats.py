"""What is in a file of people, counted as the import counts it: what the keyholder is asked, and how much is put aside. Not timed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app import incidents
from app.datasets.files import open_source_file
from app.datasets.importing.merge_people import split_values
from app.datasets.importing.pipeline import ROWS_PER_PARTITION
from app.datasets.importing.stages.read import validate_rows
from app.datasets.importing.row_batch import to_rows, person_hashes, pack
from benchmarks import PROJECT_ROOT


@dataclass(frozen=True, slots=True)
class Inventory:
    """What one file holds."""

    rows: int
    questions: Sequence[bytes]
    """Every text that the keyholder is asked for, once in each partition."""
    identifiers: int
    """How many of them are emails and phones, which Argon2id stretches."""
    read_bytes: int
    """What the first stage puts aside."""


def take(path: Path) -> Inventory:
    """Count what is in a file."""
    kinds = frozenset[str](incidents.load_incident(PROJECT_ROOT / "app" / "incidents" / "sample.toml").kinds)
    rows = read_bytes = 0
    with open_source_file(path, encoding="utf-8") as file:
        partitions = 1 << (file.estimated_rows // ROWS_PER_PARTITION).bit_length()
        parts: list[tuple[set[str], ...]] = [tuple(set() for _ in range(5)) for _ in range(partitions)]
        for block in file.blocks:
            found, _ = validate_rows(file.format.parse(block), kinds)
            rows += found.num_rows
            read_bytes += len(pack(found))
            for row, person in zip(to_rows(found), person_hashes(found), strict=True):
                texts = ([row.person_ref], *map(split_values, (row.email, row.phone, row.name, row.address)))
                part = parts[person % partitions]
                for kind, several in zip(part, texts, strict=True):
                    kind.update(several)
    questions = [text.encode() for part in parts for kind in part for text in kind]
    identifiers = sum(len(emails) + len(phones) for _, emails, phones, _, _ in parts)
    return Inventory(rows, questions, identifiers, read_bytes)

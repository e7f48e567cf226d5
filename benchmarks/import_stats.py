"""Counts what an import of a file has to do: the inputs that the keyholder MACs, and the bytes that are written between the stages. Not timed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.importing.merge_people import split_values
from app.importing.pipeline import ROWS_PER_PARTITION
from app.importing.row_batch import person_hashes, serialize_batch, to_rows
from app.importing.row_validation import validate_rows
from app.incidents.loader import load_incident
from app.source_files import open_source_file
from benchmarks import PROJECT_ROOT


@dataclass(frozen=True, slots=True)
class ImportStats:
    """Counts for one file."""

    rows: int
    mac_inputs: Sequence[bytes]
    """Every text that the keyholder MACs, once in each partition."""
    identifiers: int
    """How many of them are emails and phones, which Argon2id stretches."""
    read_stage_bytes: int
    """Size of the rows that the read stage writes."""


def count_import(path: Path) -> ImportStats:
    """Count what an import of the file has to do."""
    kinds = frozenset[str](load_incident(PROJECT_ROOT / "app" / "incidents" / "sample.toml").kinds)
    row_count = read_stage_bytes = 0
    with open_source_file(path, encoding="utf-8") as file:
        partition_count = 1 << (file.estimated_rows // ROWS_PER_PARTITION).bit_length()
        partitions: list[tuple[set[str], ...]] = [tuple(set() for _ in range(5)) for _ in range(partition_count)]
        for block in file.blocks:
            rows, *_ = validate_rows(file.format.parse(block), kinds)
            row_count += rows.num_rows
            read_stage_bytes += len(serialize_batch(rows))
            for row, person_hash in zip(to_rows(rows), person_hashes(rows), strict=True):
                texts = ([row.person_ref], *map(split_values, (row.email, row.phone, row.name, row.address)))
                partition = partitions[person_hash % partition_count]
                for distinct, values in zip(partition, texts, strict=True):
                    distinct.update(values)
    mac_inputs = [text.encode() for partition in partitions for distinct in partition for text in distinct]
    identifiers = sum(len(emails) + len(phones) for _, emails, phones, _, _ in partitions)
    return ImportStats(row_count, mac_inputs, identifiers, read_stage_bytes)

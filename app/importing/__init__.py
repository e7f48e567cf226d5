"""Import of a data set in four stages with plain hand-overs.

read    `stages.read`   blocks of the file, in worker processes: validates rows, brings them to canonical form, partitions them by person
seal    `stages.seal`   partitions of people: keyholder MACs, key derivation, record, inner seal
sort    `stages.sort`   buckets of stored locators: people who share an identifier meet; overflow markers, size classes
load    `stages.outer_seal`, then `stages.load`   numbers the entries, applies the outer seal, loads the data set's own table

`pipeline.import_file` runs the stages, and `commit` makes the data set visible.
`canary_planter` adds `canary_identities` after the read stage.
`spill` writes the data between two stages to an encrypted `workspace`, from which the same command can resume.
Rows travel in Arrow batches (`row_batch`). The server does not need Arrow, so this package imports nothing that loads it.
"""

from app.importing.options import (
    DEFAULT_CANARY_DOMAIN,
    MAX_CANARIES,
    ImportOptions,
    ImportResult,
    NullListener,
    ProgressListener,
)

__all__ = [
    "DEFAULT_CANARY_DOMAIN",
    "MAX_CANARIES",
    "ImportOptions",
    "ImportResult",
    "NullListener",
    "ProgressListener",
]

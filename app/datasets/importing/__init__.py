"""Import in four stages with plain hand-overs.

read    `reading`   blocks of a file, in worker processes: rows judged, in canonical form, put aside by person
seal    `sealing`   partitions of people: keyholder, digest, record, inner seal
sort    `sorting`   buckets of stored locators: people who share an identifier meet, markers, size classes
load    `loading`   entries numbered, the outer seal laid, into the data set's own table

`pipeline.import_file` runs them, and `adding` makes the data set be there.
`planting` puts `nobodies` behind what the first of them read: canaries.
What lies between two stages is put aside by `spill` in a `workspace`, where the same command finds it again.
Rows travel in Arrow batches (`rows`). Whoever serves has no use for Arrow, so nothing here that needs it is imported with the package.
"""

from app.datasets.importing.options import MAX_CANARIES, DEFAULT_CANARY_DOMAIN, ProgressListener, ImportOptions, NullListener, ImportResult

__all__ = ["MAX_CANARIES", "DEFAULT_CANARY_DOMAIN", "ProgressListener", "ImportOptions", "NullListener", "ImportResult"]

"""Import in four stages with plain hand-overs.

read    `reading`   findings of a file, grouped to one person
seal    `sealing`   worker processes: canonical form, keyholder, digest, record, inner seal
sort    `sorting`   by locator: entries numbered where people share one, markers, size classes, outer seal, cloak
load    `pipeline`  into the data set's own table, in one transaction with the data set itself
"""

from app.datasets.importing.pipeline import Progress, Request, Staged, import_file

__all__ = ["Progress", "Request", "Staged", "import_file"]

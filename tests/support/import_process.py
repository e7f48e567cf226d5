"""An import in a process of its own, which a test may kill.

    python -m tests.support.import_process FILE INCIDENT DATABASE_URL KEY_DIR IMPORT_DOOR WORK_DIR WORKERS

A small file is cut into many blocks and partitions, so that there are many moments to be killed at. Each thing that the import tells is a line of
JSON on standard output, with the processes that work for it. Each of those reads this file again, so it imports nothing that brings the server.
"""

import json
import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

from app.clock import system_clock
from app.crypto.key_files import KeyRing
from app.datasets.files import RejectedRow
from app.datasets.importing import ImportOptions
from app.datasets.importing.pipeline import import_file
from app.db import Database
from app.errors import ExposureError


class Teller:
    """Writes down what an import tells."""

    def tell(self, *said: object) -> None:
        workers = [child.pid for child in multiprocessing.active_children()]
        sys.stdout.write(json.dumps({"said": said, "workers": workers}) + "\n")
        sys.stdout.flush()

    def on_progress(self, stage: str, done: int, total: int, rows: int, rejected: int) -> None:
        self.tell(stage, done)

    def on_rejects(self, rejects: Sequence[RejectedRow]) -> None:
        self.tell("rejects", len(rejects))

    def on_resume(self, done: int, partitions: int) -> None:
        self.tell("resumed", done, partitions)

    def on_restart(self) -> None:
        self.tell("restarted")


def main(file: str, incident: str, url: str, keys: str, import_socket: str, work: str, workers: str) -> None:
    teller = Teller()
    database = Database(url)
    with (
        patch("app.datasets.importing.pipeline.ROWS_PER_PARTITION", 30),
        patch("app.datasets.files.blocks.BLOCK_BYTES", 4096),
    ):
        try:
            staged = import_file(
                ImportOptions(Path(file), incident, workers=int(workers)),
                database=database,
                keys=KeyRing(Path(keys)),
                import_socket=Path(import_socket),
                work_dir=Path(work),
                now=system_clock(),
                listener=teller,
            )
        except ExposureError as error:
            teller.tell("failed", type(error).__name__)
            raise SystemExit(1) from None
    teller.tell("staged", str(staged.id))


if __name__ == "__main__":
    main(*sys.argv[1:])

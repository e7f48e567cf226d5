"""An import in a process of its own, which a test can kill.

    python -c "$IMPORT_COMMAND" FILE INCIDENT DATABASE_URL KEY_DIR IMPORT_SOCKET WORK_DIR WORKERS

A small file is split into many blocks and partitions, so there are many moments at which to kill the import. Each event is written as a line of JSON
on standard output, with the process ids of the workers. Workers load the main module again, so it is a command instead of this file.
"""

import json
import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

from app.clock import system_clock
from app.crypto.key_files import KeyRing
from app.db import Database
from app.errors import ExposureError
from app.importing import ImportOptions
from app.importing.pipeline import import_file
from app.source_files import RejectedRow

IMPORT_COMMAND = f"import sys; from {__name__} import main; main(*sys.argv[1:])"


class JsonListener:
    """Writes each event as a line of JSON."""

    def write_event(self, *event: object) -> None:
        workers = [child.pid for child in multiprocessing.active_children()]
        sys.stdout.write(json.dumps({"event": event, "workers": workers}) + "\n")
        sys.stdout.flush()

    def on_progress(self, stage: str, done: int, total: int, rows: int, rejected: int) -> None:
        self.write_event(stage, done)

    def on_rejects(self, rejects: Sequence[RejectedRow]) -> None:
        self.write_event("rejects", len(rejects))

    def on_resume(self, done: int, partitions: int) -> None:
        self.write_event("resumed", done, partitions)

    def on_restart(self) -> None:
        self.write_event("restarted")


def main(
    file: str, incident: str, database_url: str, key_dir: str, import_socket: str, work_dir: str, workers: str
) -> None:
    listener = JsonListener()
    with (
        patch("app.importing.pipeline.ROWS_PER_PARTITION", 30),
        patch("app.source_files.blocks.BLOCK_BYTES", 4096),
    ):
        try:
            result = import_file(
                ImportOptions(Path(file), incident, workers=int(workers)),
                database=Database(database_url),
                keys=KeyRing(Path(key_dir)),
                import_socket=Path(import_socket),
                work_dir=Path(work_dir),
                now=system_clock(),
                listener=listener,
            )
        except ExposureError as error:
            listener.write_event("failed", type(error).__name__)
            raise SystemExit(1) from None
    listener.write_event("staged", str(result.id))

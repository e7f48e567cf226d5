"""The keyholder as a child process: what runs where no other is configured."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.crypto.keys import InvalidKey
from app.keyholder.protocol import KeyholderSocket


@contextmanager
def spawn_keyholder(pepper_file: Path, *doors: KeyholderSocket) -> Iterator[Path]:
    """Run a keyholder for as long as the block lasts; gives its lookup door's socket.

    The child ends with its parent, however that ends: it watches a pipe that only the parent holds.

    Raises:
        InvalidKey: it did not start; the child's own reason.
    """
    with tempfile.TemporaryDirectory(prefix="exposure-keyholder-") as folder:
        path = Path(folder) / "door"
        child = subprocess.Popen(
            [sys.executable, "-m", "app.keyholder", str(path), str(pepper_file.absolute()), *doors],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if not name.startswith("EXPOSURE_")},
            start_new_session=True,  # Ctrl-C goes to the parent, which ends the child when it is done
        )
        assert child.stdin and child.stdout and child.stderr  # noqa: S101  narrowed for mypy: all three are pipes
        with child, child.stdin, child.stdout, child.stderr:
            try:
                if not child.stdout.readline():
                    raise InvalidKey(child.stderr.read().decode(errors="replace").strip() or "the keyholder did not start")
                yield path
            finally:
                child.kill()

"""Run the keyholder as a child process, for deployments that configure no other."""

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
def spawn_keyholder(pepper_file: Path, *sockets: KeyholderSocket) -> Iterator[Path]:
    """Run a keyholder while the block runs. Yields the path of its lookup socket.

    The child also ends when its parent is killed: it watches a pipe that only the parent holds.

    Args:
        pepper_file: path of the pepper.
        sockets: the sockets to open.
    Raises:
        InvalidKey: the child did not start; the message is the child's.
    """
    with tempfile.TemporaryDirectory(prefix="keyholder-") as folder:
        path = Path(folder) / "lookup"
        child = subprocess.Popen(
            [sys.executable, "-m", "app.keyholder", str(path), str(pepper_file.absolute()), *sockets],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if not name.startswith("EXPOSURE_")},
            start_new_session=True,  # Ctrl-C goes to the parent only, which ends the child when it is done
        )
        assert child.stdin and child.stdout and child.stderr  # noqa: S101  for mypy: all three are pipes
        with child, child.stdin, child.stdout, child.stderr:
            try:
                if not child.stdout.readline():
                    reason = child.stderr.read().decode(errors="replace").strip()
                    raise InvalidKey(reason or "the keyholder did not start")
                yield path
            finally:
                child.kill()

"""One import by the real command, and what it took."""

import json
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from benchmarks import PROJECT_ROOT
from benchmarks.memory import PeakMemoryMonitor
from benchmarks.processes import cpu_seconds
from benchmarks.environment import INCIDENT_SLUG, Installation


@dataclass(frozen=True, slots=True)
class ImportRun:
    """What an import took, from the start of its command to the end: `cpu` of the command, its workers and its keyholder."""

    dataset: UUID
    rows: int
    wall: float
    cpu: float
    postgresql_cpu: float
    peak: float
    """MiB (PSS) of the command, its workers and its keyholder."""
    postgresql_peak: float

    @property
    def all_cpu(self) -> float:
        """Seconds of CPU of all processes."""
        return self.cpu + self.postgresql_cpu


def run_import(deployment: Installation, file: Path, *, cost: str, workers: int, postmaster_pid: int) -> ImportRun:
    """Import a file as a new data set.

    Args:
        deployment: where to.
        file: of made-up people.
        cost: of Argon2id.
        workers: processes that work.
        postmaster: PostgreSQL's first process; what its family does meanwhile is counted.
    """
    command = deployment.command(
        "dataset", "import", file, "--incident", INCIDENT_SLUG, "--cost", cost, "--workers", workers
    )
    postgresql_before, before, began = cpu_seconds(postmaster_pid), _ended_children(), time.perf_counter()
    with subprocess.Popen(command, env=deployment.environment(), cwd=PROJECT_ROOT, stdout=subprocess.PIPE) as process:
        with PeakMemoryMonitor(process.pid) as importing, PeakMemoryMonitor(postmaster_pid) as postgresql:
            said, _ = process.communicate()
        wall = time.perf_counter() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    staged = json.loads(said.splitlines()[-1])
    return ImportRun(
        dataset=UUID(staged["id"]),
        rows=staged["rows"],
        wall=wall,
        cpu=_ended_children() - before,
        postgresql_cpu=cpu_seconds(postmaster_pid) - postgresql_before,
        peak=importing.peak_mib,
        postgresql_peak=postgresql.peak_mib,
    )


def _ended_children() -> float:
    """Give the seconds of CPU of the processes that this one started and waited for, and of those that they waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

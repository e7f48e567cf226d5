"""One import by the real command, and the time and memory that it took."""

import json
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from benchmarks import PROJECT_ROOT
from benchmarks.environment import INCIDENT_SLUG, Installation
from benchmarks.memory import PeakMemoryMonitor
from benchmarks.processes import cpu_seconds


@dataclass(frozen=True, slots=True)
class ImportRun:
    """Time and memory of one import, from the start of its command to the end."""

    dataset: UUID
    rows: int
    wall_seconds: float
    command_cpu_seconds: float
    """CPU time of the command, its workers and its keyholder."""
    postgresql_cpu_seconds: float
    command_peak_mib: float
    """Peak memory (PSS) of the command, its workers and its keyholder."""
    postgresql_peak_mib: float

    @property
    def total_cpu_seconds(self) -> float:
        """CPU time of all processes."""
        return self.command_cpu_seconds + self.postgresql_cpu_seconds


def run_import(deployment: Installation, file: Path, *, cost: str, workers: int, postmaster_pid: int) -> ImportRun:
    """Import a file as a new data set.

    Args:
        deployment: receives the data set.
        file: of synthetic people.
        cost: of Argon2id.
        workers: number of worker processes.
        postmaster: process id of PostgreSQL's main process. The CPU time and memory of all its children are counted.
    """
    command = deployment.command(
        "dataset", "import", file, "--incident", INCIDENT_SLUG, "--cost", cost, "--workers", workers
    )
    postgresql_before, children_before, start = (
        cpu_seconds(postmaster_pid),
        _ended_children_cpu_seconds(),
        time.perf_counter(),
    )
    with subprocess.Popen(command, env=deployment.environment(), cwd=PROJECT_ROOT, stdout=subprocess.PIPE) as process:
        with PeakMemoryMonitor(process.pid) as importing, PeakMemoryMonitor(postmaster_pid) as postgresql:
            output, _ = process.communicate()
        wall_seconds = time.perf_counter() - start
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    staged = json.loads(output.splitlines()[-1])
    return ImportRun(
        dataset=UUID(staged["id"]),
        rows=staged["rows"],
        wall_seconds=wall_seconds,
        command_cpu_seconds=_ended_children_cpu_seconds() - children_before,
        postgresql_cpu_seconds=cpu_seconds(postmaster_pid) - postgresql_before,
        command_peak_mib=importing.peak_mib,
        postgresql_peak_mib=postgresql.peak_mib,
    )


def _ended_children_cpu_seconds() -> float:
    """Return the CPU time of all child processes that have ended, including their own children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

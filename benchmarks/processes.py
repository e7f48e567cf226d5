"""Read a process tree, its CPU time and its memory from /proc (Linux only)."""

import os
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Positions in /proc/PID/stat after the command's name.
_PARENT_FIELD, _CPU_FIELDS = 1, slice(11, 13)
_ENDED_CHILDREN_CPU_FIELDS = slice(13, 15)


def process_tree(root_pid: int) -> list[int]:
    """Return a process and all its descendants, whatever their session."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _read_stat(int(entry.name))):
            children.setdefault(int(fields[_PARENT_FIELD]), []).append(int(entry.name))
    pids = [root_pid]
    for pid in pids:  # grows during the iteration
        pids += children.get(pid, [])
    return pids


def cpu_seconds(root_pid: int) -> float:
    """Return the CPU seconds of a process and its descendants, including those that have ended."""
    ticks = 0
    for pid in process_tree(root_pid):
        fields = _read_stat(pid)
        ticks += sum(map(int, fields[_CPU_FIELDS] + fields[_ENDED_CHILDREN_CPU_FIELDS])) if fields else 0
    return ticks / _TICKS_PER_SECOND


def pss_mib(pids: Iterable[int]) -> float:
    """Return the memory of the processes in MiB, as proportional set size: a page that several share counts once in the sum."""
    kib = 0
    for pid in pids:
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:  # the process has ended
            continue
        kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024


def _read_stat(pid: int) -> list[str]:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []

"""What Linux says in /proc of processes: who descends from whom, what they spent, and what memory is theirs."""

import os
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _SPENT = 1, slice(11, 13)
_SPENT_BY_THOSE_WHO_ENDED = slice(13, 15)


def process_tree(head: int) -> list[int]:
    """Find a process and all that descend from it, whatever their session."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[_PARENT]), []).append(int(entry.name))
    found = [head]
    for one in found:  # grows while it is walked
        found += children.get(one, [])
    return found


def cpu_seconds(head: int) -> float:
    """Add up the seconds of CPU that a process, those who descend from it, and those who did and ended have had."""
    ticks = 0
    for one in process_tree(head):
        fields = _stat(one)
        ticks += sum(map(int, fields[_SPENT] + fields[_SPENT_BY_THOSE_WHO_ENDED])) if fields else 0
    return ticks / _TICKS


def pss_mib(processes: Iterable[int]) -> float:
    """Add up the MiB that are theirs: a page that several share counts in parts, so that the sum counts it once (PSS)."""
    kib = 0
    for one in processes:
        try:
            lines = (_PROC / str(one) / "smaps_rollup").read_text().splitlines()
        except OSError:  # it ended meanwhile
            continue
        kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024


def _stat(process: int) -> list[str]:
    try:
        return (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []

"""How many processes this machine has room for."""

from __future__ import annotations

import os
from pathlib import Path

MEMORY_PER_WORKER = 2_000_000_000
"""Bytes; a process needed 1.4e9 for a pair of photographs of 21 megapixels."""

_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")


def available_workers() -> int:
    """Processes that this machine has cores and memory for, 1 at least.

    Returns
    -------
    int
        Bounded by the cores that this process may use, the quota of its container, and the free
        memory over `MEMORY_PER_WORKER`.
    """
    bounds = [_cores()]
    quota = _cgroup_cores()
    if quota is not None:
        bounds.append(quota)
    memory = [m for m in (_free_memory(), _cgroup_memory()) if m is not None]
    if memory:
        bounds.append(min(memory) // MEMORY_PER_WORKER)
    return max(1, min(bounds))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cgroup_cores() -> int | None:
    words = _words(_CGROUP / "cpu.max")
    if len(words) != 2 or words[0] == "max":
        return None
    return int(words[0]) // int(words[1])


def _cgroup_memory() -> int | None:
    limit, used = _words(_CGROUP / "memory.max"), _words(_CGROUP / "memory.current")
    if not limit or not used or limit[0] == "max":
        return None
    return int(limit[0]) - int(used[0])


def _free_memory() -> int | None:
    words = _words(_MEMINFO)
    if "MemAvailable:" not in words:
        return None
    return int(words[words.index("MemAvailable:") + 1]) * 1024


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []

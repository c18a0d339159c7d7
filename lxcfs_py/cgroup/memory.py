"""The memory controller.

v1: Documentation/admin-guide/cgroup-v1/memory.rst; v2: cgroup-v2.rst, "Memory".
"""

from __future__ import annotations

from dataclasses import dataclass

from lxcfs_py.cgroup.text import counters, number

# v1 says "no limit" with the largest multiple of the page size below 2^63.
_V1_UNLIMITED = 1 << 62


@dataclass(frozen=True)
class Level:
    """Limit and usage of one cgroup on the way from the container to the root; None is no limit."""

    limit_bytes: int | None
    usage_bytes: int


@dataclass(frozen=True)
class MemoryStat:
    """What memory.stat says of a cgroup and all below it, in bytes, under v2's names; 0 without a source."""

    anon: int = 0
    file: int = 0
    shmem: int = 0
    file_mapped: int = 0
    file_dirty: int = 0
    file_writeback: int = 0
    swapcached: int = 0
    active_anon: int = 0
    inactive_anon: int = 0
    active_file: int = 0
    inactive_file: int = 0
    unevictable: int = 0
    slab_reclaimable: int = 0
    slab_unreclaimable: int = 0
    kernel_stack: int = 0
    pagetables: int = 0
    sec_pagetables: int = 0
    percpu: int = 0
    vmalloc: int = 0
    anon_thp: int = 0
    shmem_thp: int = 0
    file_thp: int = 0
    zswap: int = 0
    zswapped: int = 0


_V1_KEYS = {
    "anon": "total_rss",
    "file": "total_cache",
    "shmem": "total_shmem",
    "file_mapped": "total_mapped_file",
    "file_dirty": "total_dirty",
    "file_writeback": "total_writeback",
    "active_anon": "total_active_anon",
    "inactive_anon": "total_inactive_anon",
    "active_file": "total_active_file",
    "inactive_file": "total_inactive_file",
    "unevictable": "total_unevictable",
    "anon_thp": "total_rss_huge",
}
_V2_KEYS = {name: name for name in MemoryStat.__dataclass_fields__}


def _stat(text: str, keys: dict[str, str]) -> MemoryStat:
    values = counters("memory.stat", text)
    return MemoryStat(**{name: values.get(key, 0) for name, key in keys.items()})


def parse_stat_v1(text: str) -> MemoryStat:
    """memory.stat of v1: the hierarchical `total_…` lines."""
    return _stat(text, _V1_KEYS)


def parse_stat_v2(text: str) -> MemoryStat:
    """memory.stat of v2, which is hierarchical."""
    return _stat(text, _V2_KEYS)


def parse_limit_v1(text: str) -> int | None:
    """memory.limit_in_bytes or memory.memsw.limit_in_bytes, in bytes; None without a limit."""
    limit = number("memory.limit_in_bytes", text)
    return None if limit >= _V1_UNLIMITED else limit


def parse_limit_v2(text: str) -> int | None:
    """memory.max or memory.swap.max, in bytes; None without a limit."""
    return None if text.strip() == "max" else number("memory.max", text)


def swap_level_v1(memory: Level, memsw: Level) -> Level:
    """Swap alone, from v1's memory and memory+swap counters."""
    limit = None
    if memsw.limit_bytes is not None:
        limit = max(0, memsw.limit_bytes - (memory.limit_bytes or 0))
    return Level(limit, max(0, memsw.usage_bytes - memory.usage_bytes))


@dataclass(frozen=True)
class Memory:
    """The memory of a container: its own cgroup first, then each ancestor's.

    `swap_levels` is empty where the kernel does not account for swap.
    """

    levels: tuple[Level, ...]
    swap_levels: tuple[Level, ...]
    stat: MemoryStat

    def total_and_free(self, host_total_bytes: int) -> tuple[int, int]:
        """What the container may use at most and what is left of it, in bytes."""
        return _total_and_free(self.levels, host_total_bytes)

    def swap_total_and_free(self, host_total_bytes: int) -> tuple[int, int]:
        """The same of swap; none where the kernel does not account for it."""
        return _total_and_free(self.swap_levels, host_total_bytes) if self.swap_levels else (0, 0)


def _total_and_free(levels: tuple[Level, ...], host_total_bytes: int) -> tuple[int, int]:
    """Every ancestor counts: the lowest limit is the total, the smallest headroom is what is free."""
    limits = [
        host_total_bytes if level.limit_bytes is None else min(host_total_bytes, level.limit_bytes) for level in levels
    ]
    headrooms = [max(0, limit - level.usage_bytes) for limit, level in zip(limits, levels, strict=True)]
    return min(limits, default=host_total_bytes), min(headrooms, default=host_total_bytes)

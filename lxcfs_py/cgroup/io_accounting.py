"""Make a v1 kernel count the io of each device.

Since Linux 6.10 (block/blk-throttle.c) blkio.throttle.* counts a device only after a rule was set on it somewhere.
Setting "no limit" in a cgroup of our own is enough, and the kernel goes on counting when that cgroup is gone.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable

from lxcfs_py.cgroup.io import Device, parse_v1
from lxcfs_py.keptfiles import read_once

log = logging.getLogger(__name__)


def start_v1(blkio_mount_point: str, devices: Iterable[Device]) -> None:
    """Start counting the devices that are not counted yet; a device that cannot be is logged."""
    serviced = read_once(f"{blkio_mount_point}/blkio.throttle.io_serviced_recursive")
    missing = sorted(set(devices) - parse_v1(serviced, "").keys())
    if not missing:
        return
    own = f"{blkio_mount_point}/lxcfs-py-{os.getpid()}"
    os.mkdir(own)
    try:
        for major, minor in missing:
            try:
                with open(f"{own}/blkio.throttle.read_bps_device", "w", encoding="ascii") as file:
                    file.write(f"{major}:{minor} 0\n")
            except OSError as error:
                log.info("the kernel does not count io on device %d:%d (%s)", major, minor, error.strerror)
    finally:
        os.rmdir(own)

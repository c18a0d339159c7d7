"""The system calls that are closed to a container of the embedded engine.

Without these a container's root would be root of a user namespace of its own, and could mount its cgroups writable
there and lift its limits: user_namespaces(7), cgroups(7). Docker closes them too: moby/moby profiles/seccomp.
Source of the form: opencontainers/runtime-spec config-linux.md, "Seccomp".
"""

from __future__ import annotations

import errno
from typing import Any

# A name that the machine's libseccomp does not know is left out by runc.
_REFUSED = (
    # namespaces and mounts
    *("unshare", "setns", "mount", "umount", "umount2", "pivot_root"),
    *("open_tree", "open_tree_attr", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"),
    # what has no namespace, or looks past them
    *("keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "open_by_handle_at"),
    # the machine itself
    *("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff"),
)

# linux/sched.h: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_NEW_NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)

# All in which the machine runs programs; elsewhere libseccomp takes the kernel's own.
_ARCHITECTURES = {
    "x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
}


def build(architecture: str) -> dict[str, Any]:
    """`linux.seccomp` of config.json; the architecture is named as by uname(2)."""
    flags = 1 if architecture.startswith("s390") else 0  # clone(2), "C library/kernel differences"
    calls = [_errno(list(_REFUSED), errno.EPERM), _errno(["clone3"], errno.ENOSYS)]  # libc falls back to clone
    for flag in _NEW_NAMESPACES:
        has_flag = {"index": flags, "value": flag, "valueTwo": flag, "op": "SCMP_CMP_MASKED_EQ"}
        calls.append({**_errno(["clone"], errno.EPERM), "args": [has_flag]})
    listed = _ARCHITECTURES.get(architecture)
    return {"defaultAction": "SCMP_ACT_ALLOW", **({"architectures": listed} if listed else {}), "syscalls": calls}


def _errno(names: list[str], number: int) -> dict[str, Any]:
    return {"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": number}

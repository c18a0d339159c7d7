"""Every caller sees its own container: which one that is, and what it then reads."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from lxcfs_py.procfs import loadavg, meminfo, stat, uptime
from tests.conftest import Lxcfs, used_seconds
from tests.mount.conftest import Sandbox

pytestmark = pytest.mark.mount

MIB = 1 << 20
Make = Callable[..., AbstractContextManager[Sandbox]]


def total_kib(text: str) -> int:
    return meminfo.parse(text).values["MemTotal"]


def test_limits_of_memory_and_processors(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox(memory_bytes=512 * MIB, cpu_percent=100) as box:
        read = {name: box.run(f"cat {lxcfs.mountpoint}/{name}") for name in (
            "proc/meminfo", "proc/cpuinfo", "proc/stat", "proc/uptime", "proc/loadavg", "proc/swaps", "proc/diskstats",
            "sys/devices/system/cpu/online", "sys/devices/system/cpu/possible", "sys/devices/system/cpu/present",
            "sys/devices/system/cpu/offline",
        )}  # fmt: skip
        memory = meminfo.parse(read["proc/meminfo"]).values
        assert memory["MemTotal"] == 512 * 1024
        assert 500 * 1024 < memory["MemFree"] < 512 * 1024
        assert read["proc/cpuinfo"].count("processor\t:") == 1
        counted = stat.parse(read["proc/stat"])
        assert list(counted.cpus) == [0]
        assert (counted.intr, counted.ctxt, counted.softirq) == ((0,), 0, (0,))
        assert counted.btime == stat.parse(Path("/proc/stat").read_text()).btime
        assert counted.procs_running >= 1
        assert uptime.parse(read["proc/uptime"]).uptime_centiseconds < 1000
        assert loadavg.parse(read["proc/loadavg"]).threads == 2  # the shell and cat
        assert read["proc/swaps"] == "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        assert read["sys/devices/system/cpu/online"] == "0\n"
        assert read["sys/devices/system/cpu/possible"] == "0\n"
        assert read["sys/devices/system/cpu/present"] == "0\n"
        assert read["sys/devices/system/cpu/offline"] == "\n"
    assert lxcfs.read("proc/cpuinfo") == Path("/proc/cpuinfo").read_bytes()


def test_a_changed_limit_is_there_at_the_next_read(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox(memory_bytes=512 * MIB) as box:
        assert total_kib(box.run(f"cat {lxcfs.mountpoint}/proc/meminfo")) == 512 * 1024
        box.limit(memory_bytes=256 * MIB, cpu_percent=50)
        assert total_kib(box.run(f"cat {lxcfs.mountpoint}/proc/meminfo")) == 256 * 1024
        assert box.run(f"cat {lxcfs.mountpoint}/sys/devices/system/cpu/online") == "0\n"


def test_a_kept_open_descriptor_reads_anew_from_the_start(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox(memory_bytes=512 * MIB) as box:
        box.run(f"exec 3< {lxcfs.mountpoint}/proc/meminfo")
        program = "import os; print(os.pread(3, 99, 0).split()[1].decode()); os.pread(3, 99, 50)"
        assert box.run(f'python3 -c "{program}"') == f"{512 * 1024}\n"
        box.limit(memory_bytes=300 * MIB)
        assert box.run(f'python3 -c "{program}"') == f"{300 * 1024}\n"


@pytest.mark.parametrize(
    "caller",
    [
        "cat {file}",
        "sh -c 'sh -c \"cat {file}; true\"; true'",
        "unshare --pid --fork cat {file}",
        "unshare --pid --fork unshare --pid --fork unshare --mount cat {file}",
        "unshare --user --map-root-user --mount --pid --fork cat {file}",
        "python3 -c \"import threading as t; t.Thread(target=lambda: print(open('{file}').read(), end='')).start()\"",
        "cat {file} | cat",
        "exec 4< {file}; sh -c 'cat <&4'",
    ],
)
def test_any_process_of_the_container(lxcfs: Lxcfs, sandbox: Make, caller: str) -> None:
    with sandbox(memory_bytes=321 * MIB) as box:
        file = lxcfs.mountpoint / "proc/meminfo"
        assert total_kib(box.run(caller.format(file=file))) == 321 * 1024


def test_a_process_in_a_cgroup_far_below(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox(memory_bytes=321 * MIB) as box:
        directories = [*box.child_cgroup("a"), *box.child_cgroup("a/b")]
        enter = "; ".join(f"echo 0 > {directory}/cgroup.procs" for directory in directories)
        assert total_kib(box.run(f"({enter}; cat {lxcfs.mountpoint}/proc/meminfo)")) == 321 * 1024


def test_the_limits_of_the_cgroups_around_it_count_too(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox(memory_bytes=321 * MIB) as box:
        box.limit(memory_bytes=123 * MIB, cpu_percent=100, around=True)
        assert total_kib(box.run(f"cat {lxcfs.mountpoint}/proc/meminfo")) == 123 * 1024
        assert box.run(f"cat {lxcfs.mountpoint}/sys/devices/system/cpu/online") == "0\n"
        box.limit(memory_bytes=999 * MIB, around=True)
        assert total_kib(box.run(f"cat {lxcfs.mountpoint}/proc/meminfo")) == 321 * 1024


def test_a_process_that_entered_from_outside(lxcfs: Lxcfs, sandbox: Make) -> None:
    """As `docker exec` does: its parent is outside, and here even its cgroup is."""
    with sandbox(memory_bytes=321 * MIB) as box:
        command = ["nsenter", f"--target={box.init}", "--pid", "cat", f"{lxcfs.mountpoint}/proc/meminfo"]
        assert total_kib(subprocess.check_output(command, text=True)) == 321 * 1024


def test_the_name_of_the_first_process_is_hostile(lxcfs: Lxcfs, sandbox: Make, tmp_path: Path) -> None:
    shell = tmp_path / ") R 1 (\n) 2 3"
    shell.symlink_to("/bin/sh")
    with sandbox(init=str(shell)) as box:
        assert Path(f"/proc/{box.init}/comm").read_text() == ") R 1 (\n) 2 3\n"
        assert uptime.parse(box.run(f"cat {lxcfs.mountpoint}/proc/uptime")).uptime_centiseconds < 1000
        assert loadavg.parse(box.run(f"cat {lxcfs.mountpoint}/proc/loadavg")).threads == 2


def test_a_container_that_shares_the_hosts_pid_namespace_is_known_by_its_cgroup(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox(memory_bytes=321 * MIB) as box:
        directories = [*box.child_cgroup("ab" * 32), *box.child_cgroup(f"{'ab' * 32}/below")]
        enter = "; ".join(f"echo $$ > {directory}/cgroup.procs" for directory in directories)
        read = f"cat {lxcfs.mountpoint}/proc/meminfo {lxcfs.mountpoint}/proc/uptime"
        output = subprocess.check_output(["sh", "-c", f"{enter}; {read}"], text=True)
        memory, start, up = output.rpartition("kB\n")
        assert total_kib(memory + start) == 321 * 1024
        assert uptime.parse(up).uptime_centiseconds < 1000


def test_a_busy_loop_is_one_busy_processor_and_time_goes_on(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox(cpuset="0") as box:
        first = stat.parse(box.run(f"cat {lxcfs.mountpoint}/proc/stat"))
        box.run("timeout 2 sh -c 'while :; do :; done'")
        second = stat.parse(box.run(f"cat {lxcfs.mountpoint}/proc/stat"))
        assert list(second.cpus) == [0]
        busy = second.cpu.user + second.cpu.system - first.cpu.user - first.cpu.system
        passed = busy + second.cpu.idle + second.cpu.steal - first.cpu.idle - first.cpu.steal
        assert 180 <= passed <= 600  # hundredths of a second
        assert abs(second.cpu.user + second.cpu.system - 100 * used_seconds(str(box.init))) < 30
        assert second.cpu == second.cpus[0]


def test_what_a_quota_takes_away_is_steal(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox(cpu_percent=20) as box:
        box.run("timeout 2 sh -c 'while :; do :; done'")
        counted = stat.parse(box.run(f"cat {lxcfs.mountpoint}/proc/stat")).cpu
        assert 20 <= counted.user + counted.system <= 80
        assert counted.steal > 80


def test_the_load_of_a_container_is_its_own(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox() as busy, sandbox() as idle:
        busy.run("for i in 1 2 3; do (while :; do :; done) & done")
        for box in (busy, idle):
            box.run(f"cat {lxcfs.mountpoint}/proc/loadavg")
        time.sleep(11)
        loaded = loadavg.parse(busy.run(f"cat {lxcfs.mountpoint}/proc/loadavg"))
        calm = loadavg.parse(idle.run(f"cat {lxcfs.mountpoint}/proc/loadavg"))
        assert 20 <= loaded.load1_hundredths <= 100  # three threads for 10 to 15 s: 3 * (1 - exp(-t/60))
        assert loaded.threads == 5
        assert 4 <= loaded.runnable <= 5  # three loops and the reader
        assert (calm.load1_hundredths, calm.threads, calm.runnable) == (0, 2, 1)


def test_many_containers_at_once_each_see_themselves(lxcfs: Lxcfs, sandbox: Make) -> None:
    with ExitStack() as stack:
        boxes = [stack.enter_context(sandbox(memory_bytes=(100 + number) * MIB)) for number in range(20)]

        def totals(box: Sandbox) -> set[int]:
            texts = box.run(f"for i in 1 2 3 4 5 6 7 8 9 10; do cat {lxcfs.mountpoint}/proc/meminfo; echo; done")
            return {total_kib(text + "\n") for text in texts.strip().split("\n\n")}

        with ThreadPoolExecutor(len(boxes)) as pool:
            assert list(pool.map(totals, boxes)) == [{(100 + number) * 1024} for number in range(20)]


def test_a_read_does_not_fail_because_the_container_has_ended(lxcfs: Lxcfs, sandbox: Make, tmp_path: Path) -> None:
    """A process outside holds on to files that the container opened; it gets their last good answer."""
    lxcfs.expect_log(r"proc/meminfo: OSError: \[Errno 19\]")
    give = (
        "import os, socket; s = socket.socket(socket.AF_UNIX); s.connect('{0}'); f = open('{1}'); f.read(); "
        "socket.send_fds(s, [b'.'], [f.fileno()])"
    )
    with socket.socket(socket.AF_UNIX) as server, sandbox(memory_bytes=321 * MIB) as box:
        server.bind(str(tmp_path / "socket"))
        server.listen()
        box.run(f'python3 -c "{give.format(tmp_path / "socket", lxcfs.mountpoint / "proc/meminfo")}"')
        connection, _ = server.accept()
        _, (held,), _, _ = socket.recv_fds(connection, 1, 1)
        connection.close()
    try:
        for _ in range(3):
            assert total_kib(os.pread(held, 65536, 0).decode()) == 321 * 1024
    finally:
        os.close(held)


def test_ended_containers_are_forgotten(lxcfs: Lxcfs, sandbox: Make) -> None:
    descriptors = Path(f"/proc/{lxcfs.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    with ExitStack() as stack:
        for box in [stack.enter_context(sandbox()) for _ in range(5)]:
            box.run(f"cat {lxcfs.mountpoint}/proc/meminfo {lxcfs.mountpoint}/proc/stat")
        assert len(list(descriptors.iterdir())) > before + 20
    deadline = time.monotonic() + 15
    while len(list(descriptors.iterdir())) > before + 12:  # the host's own files stay open
        assert time.monotonic() < deadline, "descriptors of ended containers are still open"
        time.sleep(0.2)


def test_of_many_threads_the_number_is_known_at_once_and_the_load_soon(
    lxcfs: Lxcfs, sandbox: Make, tmp_path: Path
) -> None:
    program = (
        "import pathlib, threading, time; "
        "[threading.Thread(target=time.sleep, args=(60,)).start() for _ in range(400)]; "
        f"pathlib.Path('{tmp_path}/ready').touch()"
    )
    with sandbox() as box:
        box.run(f'python3 -c "{program}" & until [ -e {tmp_path}/ready ]; do sleep 0.1; done')
        box.run("(while :; do :; done) &")
        first = loadavg.parse(box.run(f"cat {lxcfs.mountpoint}/proc/loadavg"))
        assert first.threads == 404  # the shell, python's main thread and the others, the loop, cat
        time.sleep(11)
        later = loadavg.parse(box.run(f"cat {lxcfs.mountpoint}/proc/loadavg"))
        assert later.threads in (403, 404)  # as of the last count, which cat may have come after
        assert 5 <= later.load1_hundredths <= 60


def test_readers_by_sendfile_get_whole_files_of_their_own_container(lxcfs: Lxcfs, sandbox: Make) -> None:
    """As busybox's `cat` reads; of a file that every container shares they would get nothing, or each other's."""
    program = lxcfs.mountpoint.parent / "sendfile.py"
    program.write_text(
        "import os, sys, time\n"
        "for _ in range(20):\n"
        "    fd = os.open(sys.argv[1], os.O_RDONLY)\n"
        "    while os.sendfile(1, fd, None, 1 << 20): pass\n"
        "    os.close(fd); os.write(1, b'--\\n'); time.sleep(0.02)\n"
    )
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        boxes = [stack.enter_context(sandbox(memory_bytes=(300 + number) * MIB)) for number in range(3)]

        def read(number: int, name: str) -> list[str]:
            own = f"{lxcfs.mountpoint}/containers/{number:032x}"
            return boxes[number].run(f"python3 {program} {own}/{name} | cat").split("--\n")

        for number, texts in enumerate(pool.map(lambda number: read(number, "proc/meminfo"), range(3))):
            assert [total_kib(text) for text in texts[:-1]] == [(300 + number) * 1024] * 20
        for texts in pool.map(lambda number: read(number, "proc/stat"), range(3)):
            assert [stat.format(stat.parse(text)) for text in texts[:-1]] == texts[:-1]
            assert len(texts) == 21
        assert read(0, "proc/swaps") == ["Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"] * 20 + [""]


def test_names_of_containers_cannot_be_listed(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox() as box:
        own = f"{lxcfs.mountpoint}/containers/{'5' * 32}"
        assert "MemTotal" in box.run(f"cat {own}/proc/meminfo")
        assert subprocess.check_output(["ls", "-A", lxcfs.mountpoint / "containers"]) == b""
        assert oct((lxcfs.mountpoint / "containers").stat().st_mode) == "0o40711"
        command = ["setpriv", "--reuid=65534", "--clear-groups", "ls", str(lxcfs.mountpoint / "containers")]
        assert subprocess.run(command, capture_output=True, check=False).returncode != 0


NAME = "ab" * 32  # as engines name the cgroup of a container


def enter(directories: list[Path]) -> str:
    return "; ".join(f"echo 0 > {directory}/cgroup.procs" for directory in directories)


def test_a_process_in_another_containers_pid_namespace_is_in_its_own_container(lxcfs: Lxcfs, sandbox: Make) -> None:
    """As with `docker run --pid=container:…`."""
    with sandbox(memory_bytes=512 * MIB) as box, sandbox(memory_bytes=100 * MIB) as other:
        read = f"nsenter --pid=/proc/{box.init}/ns/pid cat {lxcfs.mountpoint}/proc/meminfo"
        command = ["sh", "-c", f"{enter(other.child_cgroup(NAME))}; {read}"]
        assert total_kib(subprocess.check_output(command, text=True)) == 100 * 1024


def test_the_first_process_is_in_a_cgroup_below_the_containers(lxcfs: Lxcfs, sandbox: Make) -> None:
    """As Docker's image docker:dind moves it, so that what else the container does is beside it."""
    with sandbox(memory_bytes=321 * MIB) as box:
        container = box.child_cgroup(NAME)
        init, work = box.child_cgroup(f"{NAME}/init"), box.child_cgroup(f"{NAME}/work")
        inside = f"{enter(init)}; ({enter(work)}; exec sleep 60) & sleep 0.2; cat {lxcfs.mountpoint}/proc/loadavg"
        text = box.run(f"{enter(container)}; unshare --pid --fork --kill-child sh -c '{inside}'")
        assert loadavg.parse(text).threads == 5  # two shells, unshare, sleep, cat


def test_a_container_that_is_moved_to_another_cgroup(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox(memory_bytes=321 * MIB) as box:
        read = f"cat {lxcfs.mountpoint}/proc/meminfo"
        elsewhere = enter([directory.parent for directory in box.child_cgroup("x")])
        with sandbox(memory_bytes=123 * MIB) as other:
            assert total_kib(box.run(read)) == 321 * 1024
            own = [box.cgroup(name) for name in ("memory", "cpu", "pids")]
            box.run(enter([other.cgroup(name) for name in ("memory", "cpu", "pids")]))
            deadline = time.monotonic() + 10
            while total_kib(box.run(read)) != 123 * 1024:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            box.run(f"{enter(own)}; {elsewhere}")


def test_a_host_process_in_a_named_cgroup_of_one_controller_alone(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox() as box:
        named = [directory for directory in box.child_cgroup(NAME) if directory.parent == box.cgroup("memory")]
        command = ["sh", "-c", f"{enter(named)}; cat {lxcfs.mountpoint}/proc/swaps"]
        assert subprocess.check_output(command).startswith(b"Filename")


def test_threaded_cgroups_below_are_counted(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox() as box:
        for directory in box.child_cgroup("threads"):
            if (directory / "cgroup.type").exists():  # v2
                (directory / "cgroup.type").write_text("threaded")
        assert loadavg.parse(box.run(f"cat {lxcfs.mountpoint}/proc/loadavg")).threads == 2


def test_many_pid_namespaces_are_one_container(lxcfs: Lxcfs, sandbox: Make) -> None:
    descriptors = Path(f"/proc/{lxcfs.process.pid}/fd")
    with sandbox(memory_bytes=321 * MIB) as box:
        read = f"cat {lxcfs.mountpoint}/proc/meminfo"
        box.run(read)
        before = len(list(descriptors.iterdir()))
        text = box.run(f"for i in $(seq 30); do unshare --pid --fork sh -c '{read}; sleep 60 & {read}'; done")
        assert text.count(f" {321 * 1024} kB") == 60
        assert len(list(descriptors.iterdir())) <= before + 2


def test_forks_are_counted_and_never_fewer_than_before(lxcfs: Lxcfs, sandbox: Make) -> None:
    with sandbox() as box:
        read = f"exec cat {lxcfs.mountpoint}/proc/stat"
        counts = [stat.parse(box.run(f"({read})")).processes for _ in range(3)]
        box.run(f"read line < {lxcfs.mountpoint}/proc/stat")  # by the shell, which is process 1
        counts.append(stat.parse(box.run(f"({read})")).processes)
        assert counts == sorted(counts)
        assert counts[0] > 1


def test_more_containers_than_there_are_descriptors_for(lxcfs: Lxcfs, sandbox: Make) -> None:
    resource.prlimit(lxcfs.process.pid, resource.RLIMIT_NOFILE, (256, 256))
    with ExitStack() as stack:
        boxes = [stack.enter_context(sandbox(memory_bytes=(100 + number) * MIB)) for number in range(12)]
        for _ in range(2):
            for number, box in enumerate(boxes):
                files = " ".join(f"{lxcfs.mountpoint}/proc/{name}" for name in ("meminfo", "stat", "loadavg", "uptime"))
                assert f"MemTotal:{(100 + number) * 1024:15} kB" in box.run(f"cat {files}")

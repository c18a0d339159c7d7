"""The main job: in a real container with limits, unmodified tools show the container."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from lxcfs_py.procfs import diskstats, meminfo, stat
from lxcfs_py.procfs.diskstats import DiskStat
from tests.conftest import Lxcfs, used_seconds

pytestmark = pytest.mark.docker

MIB = 1 << 20
Docker = Callable[..., str]


class Running:
    """A container that was started detached and waits for commands."""

    def __init__(self, docker: Docker, identity: str) -> None:
        self.docker, self.id = docker, identity

    def sh(self, command: str, timeout: float = 60) -> str:
        return self.docker("exec", self.id, "sh", "-c", command, timeout=timeout)


@contextmanager
def container(lxcfs: Lxcfs, docker: Docker, image: str, *options: str) -> Iterator[Running]:
    started = lxcfs.run("-d", "--stop-timeout", "0", *options, image, "sleep", "600")
    assert started.returncode == 0, started.stderr
    identity = started.stdout.strip()
    try:
        yield Running(docker, identity)
    finally:
        docker("rm", "--force", "--volumes", identity)


def columns(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_a_limited_container_beside_the_host(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    host_before = {name: Path("/proc", name).read_text() for name in ("meminfo", "cpuinfo")}
    with container(lxcfs, docker, image, "-m", "512m", "--cpus", "1", "--cpuset-cpus", "0") as box:
        assert columns(box.sh("free -b"))[1][:2] == ["Mem:", "536870912"]
        assert box.sh("nproc") == "1\n"
        assert box.sh("grep -c ^processor /proc/cpuinfo") == "1\n"
        assert box.sh("grep -c '^cpu[0-9]' /proc/stat") == "1\n"
        assert re.search(r" up 0 min, ", box.sh("uptime"))
        assert box.sh("cat /sys/devices/system/cpu/online") == "0\n"
    assert lxcfs.read("proc/cpuinfo").decode() == host_before["cpuinfo"]
    host_total = meminfo.parse(host_before["meminfo"]).values["MemTotal"]
    assert meminfo.parse(lxcfs.read("proc/meminfo").decode()).values["MemTotal"] == host_total


def test_run_without_detaching_gives_the_same(lxcfs: Lxcfs, image: str) -> None:
    commands = "free -b | sed -n 2p; nproc; grep -c ^processor /proc/cpuinfo; grep -c '^cpu[0-9]' /proc/stat"
    options = ("--rm", "-m", "512m", "--cpus", "1", "--cpuset-cpus", "0")
    done = lxcfs.run(*options, image, "sh", "-c", commands)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"Mem: +536870912 [ 0-9]+\n1\n1\n1\n", done.stdout)


def test_uptime_counts_from_the_containers_start(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    with container(lxcfs, docker, image) as box:
        time.sleep(2)
        seconds, idle = map(float, box.sh("cat /proc/uptime").split())
        assert 2 <= seconds <= 20
        assert 0 <= idle <= seconds * len(columns(Path("/proc/stat").read_text())) + 0.02


def test_memory_that_a_process_allocates_is_used(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    program = "b = bytearray(300 << 20); import subprocess; subprocess.run(['free', '-b'])"
    with container(lxcfs, docker, image, "-m", "512m") as box:
        before = columns(box.sh("free -b"))[1]
        during = columns(box.sh(f'python3 -c "{program}"'))[1]
        after = columns(box.sh("free -b"))[1]
        assert int(before[2]) < 30 * MIB
        assert 300 * MIB <= int(during[2]) <= 330 * MIB
        assert int(during[3]) <= 212 * MIB
        assert int(after[2]) < 30 * MIB


def test_a_file_that_is_read_is_cache_and_not_used(lxcfs: Lxcfs, docker: Docker, image: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    with file.open("wb") as out:
        subprocess.run(
            ["dd", "if=/dev/zero", "bs=1M", "count=100", "conv=fsync", "status=none"], stdout=out, check=True
        )
        subprocess.run(["dd", "iflag=nocache", "count=0", f"if={file}", "status=none"], check=True)  # out of the cache
    with container(lxcfs, docker, image, "-m", "512m", "-v", f"{tmp_path}:/data") as box:
        before = columns(box.sh("free -b"))[1]
        box.sh("cat /data/file > /dev/null")
        after = columns(box.sh("free -b"))[1]
        assert int(after[5]) - int(before[5]) >= 95 * MIB
        assert abs(int(after[2]) - int(before[2])) < 20 * MIB
        assert int(after[6]) > 480 * MIB  # available


def test_tmpfs_is_shared_memory(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    with container(lxcfs, docker, image, "-m", "512m", "--shm-size", "256m") as box:
        box.sh("dd if=/dev/zero of=/dev/shm/x bs=1M count=64 status=none")
        assert 64 * MIB <= int(columns(box.sh("free -b"))[1][4]) < 70 * MIB


def test_a_busy_loop_is_one_busy_processor_in_top(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    with container(lxcfs, docker, image, "--cpus", "1", "--cpuset-cpus", "0") as box:
        box.sh("(while :; do :; done) > /dev/null 2>&1 & echo $! > /pid; sleep 1")
        second = box.sh("top -bn2 -d2 -w 200").split("\n\n")[-2:]
        summary, processes = second[0], second[1]
        (cpu,) = re.findall(r"^%Cpu\(s\): *([0-9.]+) us, *([0-9.]+) sy,.* ([0-9.]+) id,", summary, re.M)
        user, system, idle = map(float, cpu)
        assert user + system > 40  # all there is, where nobody else uses that processor
        assert idle < 60
        assert float(columns(processes)[1][8]) > 40  # %CPU of the first process listed
        used = columns(box.sh("mpstat -P ALL 1 1"))
        averages = [row for row in used if row[:1] == ["Average:"]][1:]
        assert [row[1] for row in averages] == ["all", "0"]
        assert all(float(row[-1]) < 60 for row in averages)


def test_vmstat_shows_the_containers_processors_and_memory(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    with container(lxcfs, docker, image, "-m", "512m", "--cpuset-cpus", "0") as box:
        _, names, _, values = columns(box.sh("vmstat 1 2"))
        last = dict(zip(names, map(int, values), strict=True))
        assert (last["b"], last["swpd"]) == (0, 0)
        assert 0 <= last["r"] <= 2  # newer ones do not count themselves
        assert 480 * 1024 < last["free"] < 512 * 1024
        assert last["id"] >= 80  # whatever the host does


def test_iostat_shows_the_containers_own_disk_use(lxcfs: Lxcfs, docker: Docker, image: str, tmp_path: Path) -> None:
    with container(lxcfs, docker, image, "-v", f"{tmp_path}:/data") as box:
        box.sh("cat /proc/diskstats; iostat > /dev/null")  # loaded from the disk now, if they were not in the cache
        before = {disk.name: disk for disk in diskstats.parse(box.sh("cat /proc/diskstats"))}
        box.sh("dd if=/dev/zero of=/data/x bs=1M count=8 oflag=direct status=none")
        box.sh("dd if=/data/x of=/dev/null bs=1M iflag=direct status=none")
        disks = diskstats.parse(box.sh("cat /proc/diskstats"))
        busiest = max(disks, key=lambda disk: disk.sectors_read)
        first = before.get(busiest.name, DiskStat(0, 0, ""))
        assert 8 * MIB // 512 <= busiest.sectors_read - first.sectors_read < 9 * MIB // 512
        assert 8 * MIB // 512 <= busiest.sectors_written - first.sectors_written < 9 * MIB // 512
        (row,) = [row for row in columns(box.sh("iostat -d -k")) if row and row[0] == busiest.name]
        assert busiest.sectors_read // 2 <= int(row[5]) < busiest.sectors_read // 2 + 1024  # kB_read


def test_ps_lists_the_container_alone(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    with container(lxcfs, docker, image, "-m", "512m") as box:
        rows = columns(box.sh("exec ps -eo pid,comm,lstart"))[1:]
        assert [row[:2] for row in rows] == [["1", "sleep"], [rows[1][0], "ps"]]
        started = time.mktime(time.strptime(" ".join(rows[0][2:]), "%a %b %d %H:%M:%S %Y"))
        assert abs(time.time() + time.timezone - started) % 3600 < 30


def test_busybox_and_others_that_read_by_sendfile(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    with container(lxcfs, docker, image, "-m", "512m", "-v", "/bin/busybox:/busybox:ro") as box:
        text = box.sh("/busybox cat /proc/meminfo")
        assert meminfo.parse(text).values["MemTotal"] == 512 * 1024
        for name in ("swaps", "cpuinfo", "diskstats"):
            assert box.sh(f"/busybox cat /proc/{name}") == box.sh(f"cat /proc/{name}")
        size, content = box.sh("stat -c %s /proc/swaps; cat /proc/swaps | wc -c").split()
        assert size == content


def test_docker_update_shows_at_the_next_read(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    with container(lxcfs, docker, image, "-m", "512m") as box:
        assert columns(box.sh("free -m"))[1][1] == "512"
        docker("update", "--memory", "256m", "--memory-swap", "256m", "--cpus", "0.5", box.id)
        assert columns(box.sh("free -m"))[1][1] == "256"
        assert box.sh("grep -c '^cpu[0-9]' /proc/stat; cat /sys/devices/system/cpu/online") == "1\n0\n"
        docker("update", "--memory", "384m", "--memory-swap", "384m", box.id)
        assert columns(box.sh("free -m"))[1][1] == "384"


def test_a_container_that_is_restarted_sees_itself_again(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    with container(lxcfs, docker, image, "-m", "100m") as box:
        assert columns(box.sh("free -m"))[1][1] == "100"
        for _ in range(3):
            docker("restart", "--time", "0", box.id)
            assert columns(box.sh("free -m"))[1][1] == "100"
            assert float(box.sh("cat /proc/uptime").split()[0]) < 10


@pytest.mark.parametrize("how", ["--pid=host", "--pid=container:{other}", "--userns=host"])
def test_other_namespaces(lxcfs: Lxcfs, docker: Docker, image: str, how: str) -> None:
    with (
        container(lxcfs, docker, image, "-m", "100m") as other,
        container(lxcfs, docker, image, "-m", "200m", how.format(other=other.id)) as box,
    ):
        assert columns(box.sh("free -m"))[1][1] == "200"
        assert float(box.sh("cat /proc/uptime").split()[0]) < 60


def test_two_containers_read_at_the_same_time(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    read = "for i in $(seq 200); do sed -n 's/MemTotal: *//p' /proc/meminfo; done | sort | uniq -c"
    with container(lxcfs, docker, image, "-m", "100m") as one, container(lxcfs, docker, image, "-m", "200m") as other:
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda box: box.sh(read), (one, other))
        assert (first.split(), second.split()) == (["200", "102400", "kB"], ["200", "204800", "kB"])


def test_fifty_containers_each_see_themselves(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    started: list[str] = []
    try:
        for number in range(50):
            options = ("-d", "--network", "none", "--stop-timeout", "0", "-m", f"{50 + number}m")
            done = lxcfs.run(*options, image, "sleep", "600")
            assert done.returncode == 0, done.stderr
            started.append(done.stdout.strip())
        pids = docker("inspect", "--format", "{{.State.Pid}}", *started).split()

        def totals(pid: str) -> set[int]:
            # by the container's own mounts, without the engine's second for each `exec`
            enter = ["nsenter", f"--target={pid}", "--mount", "--pid"]
            script = "for i in 1 2 3 4 5; do sed -n 's/MemTotal: *\\(.*\\) kB/\\1/p' /proc/meminfo; done"
            return set(map(int, subprocess.check_output([*enter, "sh", "-c", script], text=True).split()))

        with ThreadPoolExecutor(50) as pool:
            assert list(pool.map(totals, pids)) == [{(50 + number) * 1024} for number in range(50)]
    finally:
        docker("rm", "--force", "--volumes", *started, timeout=120)


def test_the_counters_of_proc_stat_agree_with_the_cgroup(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    with container(lxcfs, docker, image, "--cpuset-cpus", "0") as box:
        box.sh("timeout 1 sh -c 'while :; do :; done' || true")
        total = stat.parse(box.sh("cat /proc/stat")).cpu
        pid = docker("inspect", "--format", "{{.State.Pid}}", box.id).strip()
        assert abs(total.user + total.system - 100 * used_seconds(pid)) < 30


def test_ps_of_ours_lists_view_and_limits(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    options = ("-m", "100m", "--cpus", "0.5", "--cpuset-cpus", "0", "--pids-limit", "77", "--name", "lxcfs-py-test-ps")
    with container(lxcfs, docker, image, *options) as box:
        table = subprocess.check_output(
            [sys.executable, "-m", "lxcfs_py", "ps", "--run-dir", str(lxcfs.run_dir)], text=True
        )
        rows = [re.split(r"  +", line.strip()) for line in table.splitlines()]
        assert rows[0] == ["ID", "NAME", "ENGINE", "IMAGE", "STATUS", "VIEW", "MEMORY", "CPUS", "CPUSET", "PIDS"]
        (row,) = [row for row in rows if row[0] == box.id[:12]]
        assert row[1:] == ["lxcfs-py-test-ps", "docker", image, "running", "on", "100MiB", "0.5", "0", "77"]

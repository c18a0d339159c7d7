from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import cpuinfo
from lxcfs_py.procfs.cpuinfo import CpuInfo, Processor

X86 = """\
processor\t: 0
model name\t: AMD EPYC
cpu MHz\t\t: 2596.122
flags\t\t: fpu vme
address sizes\t: 48 bits physical, 48 bits virtual
power management:

processor\t: 1
model name\t:\x20
power management: ts ttp

"""

# Linux 6.1: nothing behind the only processor
UML = """\
processor\t: 0
vendor_id\t: User Mode Linux
host\t\t: Linux a: b
flags\t\t:
bogomips\t: 8228.04
"""

ARM64 = """\
processor\t: 0
BogoMIPS\t: 50.00
Features\t: fp asimd evtstrm
CPU implementer\t: 0x41
CPU architecture: 8
CPU revision\t: 1

processor\t: 1
BogoMIPS\t: 50.00
CPU architecture: 8

"""

ARM = """\
processor\t: 0
model name\t: ARMv7 Processor rev 4 (v7l)

processor\t: 3
model name\t: ARMv7 Processor rev 4 (v7l)

Hardware\t: BCM2835
Serial\t\t: 00000000c0ffee00
"""

POWERPC = """\
processor\t: 0
cpu\t\t: POWER9, altivec supported
revision\t: 2.2 (pvr 004e 1202)

processor\t: 4
cpu\t\t: POWER9, altivec supported
revision\t: 2.2 (pvr 004e 1202)

timebase\t: 512000000
platform\t: PowerNV

machine\t\t: PowerNV 8335-GTH
"""

# The blank line stands before each processor.
S390 = """\
vendor_id       : IBM/S390
# processors    : 2
bogomips per cpu: 3033.00
features\t: esan3 zarch\x20
cache0          : level=1 type=Data scope=Private size=128K line_size=256 associativity=8
processor 0: version = FF,  identification = 2733E8,  machine = 2964
processor 1: version = FF,  identification = 2733E8,  machine = 2964

cpu number      : 0
cpu MHz dynamic : 5000

cpu number      : 1
cpu MHz dynamic : 5000
"""

MIPS = """\
system type\t\t: MIPS Malta
machine\t\t\t: mti,malta
processor\t\t: 0
cpu model\t\t: MIPS 24Kc V0.0

processor\t\t: 1
cpu model\t\t: MIPS 24Kc V0.0

"""


def test_whole_value() -> None:
    first, second = cpuinfo.parse(X86).processors
    assert first == Processor(
        (
            ("processor\t", "0"),
            ("model name\t", "AMD EPYC"),
            ("cpu MHz\t\t", "2596.122"),
            ("flags\t\t", "fpu vme"),
            ("address sizes\t", "48 bits physical, 48 bits virtual"),
            ("power management:", ""),
        )
    )
    assert second == Processor((("processor\t", "1"), ("model name\t", ""), ("power management", "ts ttp")), end="\n")
    assert cpuinfo.parse(X86) == CpuInfo((first, second), trailer="", header="")


@pytest.mark.parametrize(
    ("text", "numbers", "header", "trailer"),
    [
        (X86, (0, 1), "", ""),
        (UML, (0,), "", ""),
        (ARM64, (0, 1), "", ""),
        (ARM, (0, 3), "", "Hardware\t: BCM2835\nSerial\t\t: 00000000c0ffee00\n"),
        (
            POWERPC,
            (0, 4),
            "",
            "timebase\t: 512000000\nplatform\t: PowerNV\n\nmachine\t\t: PowerNV 8335-GTH\n",
        ),
        (S390, (0, 1), S390.partition("cpu number")[0], ""),
        (MIPS, (0, 1), "system type\t\t: MIPS Malta\nmachine\t\t\t: mti,malta\n", ""),
    ],
    ids=["x86", "uml", "arm64", "arm", "powerpc", "s390", "mips"],
)
def test_architectures(text: str, numbers: tuple[int, ...], header: str, trailer: str) -> None:
    parsed = cpuinfo.parse(text)
    assert tuple(processor.number for processor in parsed.processors) == numbers
    assert (parsed.header, parsed.trailer) == (header, trailer)
    assert cpuinfo.format(parsed) == text


def test_ends() -> None:
    assert [processor.end for processor in cpuinfo.parse(UML).processors] == [""]
    assert [processor.end for processor in cpuinfo.parse(S390).processors] == ["\n", ""]


def test_get() -> None:
    (uml,) = cpuinfo.parse(UML).processors
    assert uml.get("vendor_id") == "User Mode Linux"
    assert uml.get("host") == "Linux a: b"
    assert uml.get("flags") == ""
    assert uml.get("vendor") is None
    assert cpuinfo.parse(ARM64).processors[0].get("CPU architecture") == "8"


def test_with_values() -> None:
    first, _ = cpuinfo.parse(X86).processors
    changed = first.with_values({"processor": "7", "siblings": "2", "power management": "ts"})
    assert cpuinfo.format(CpuInfo((changed,))) == (
        "processor\t: 7\n"
        "model name\t: AMD EPYC\n"
        "cpu MHz\t\t: 2596.122\n"
        "flags\t\t: fpu vme\n"
        "address sizes\t: 48 bits physical, 48 bits virtual\n"
        "power management: ts\n"
        "\n"
    )
    assert changed.number == 7
    assert first.number == 0


@pytest.mark.parametrize("text", [X86, UML, ARM64, ARM, POWERPC, S390, MIPS])
def test_with_the_same_values(text: str) -> None:
    for processor in cpuinfo.parse(text).processors:
        same = {label.strip(": \t"): value for label, value in processor.fields}
        assert processor.with_values(same) == processor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        X86[:-2],
        X86[:20],
        "processor\t: -1\n\n",
        "processor\t: one\n\n",
        "processor\t:\n\n",
        "processor\n\n",
        "model name\t: AMD EPYC\n\n",
        "processor\t: 0\nno colon\n\n",
        "processor\t: 0\n\nHardware\t: x\n\nprocessor\t: 1\n\n",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/cpuinfo: "):
        cpuinfo.parse(text)


def test_a_processor_without_number() -> None:
    with pytest.raises(ParseError, match="without number"):
        _ = Processor((("model name\t", "x"),)).number


LINES = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))
LABELS = st.from_regex(r"[a-z][a-z 0-9]{0,14}[a-z]\t{0,2}", fullmatch=True).filter(
    lambda label: label.strip() not in ("processor", "cpu number")
)
PROCESSORS = st.builds(
    lambda number, fields, end: Processor((("processor\t", str(number)), *fields), end),
    st.integers(0, 9999),
    st.lists(st.tuples(LABELS, LINES)),
    st.sampled_from(["\n", "\n\n"]),
)
OTHER_LINES = st.lists(LABELS, min_size=1).map(lambda labels: "".join(f"{label}: 1\n" for label in labels))


@given(st.lists(PROCESSORS, min_size=1), st.one_of(st.just(""), OTHER_LINES), st.one_of(st.just(""), OTHER_LINES))
def test_generated(processors: list[Processor], trailer: str, header: str) -> None:
    info = CpuInfo(tuple(processors), trailer, header)
    assert cpuinfo.parse(cpuinfo.format(info)) == info

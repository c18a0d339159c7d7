"""Sizes and processor counts as docker reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py import units


@pytest.mark.parametrize(
    ("text", "size"),
    [
        # docker/go-units size_test.go has these, among others
        ("32", 32),
        ("32b", 32),
        ("32B", 32),
        ("32k", 32 << 10),
        ("32K", 32 << 10),
        ("32kb", 32 << 10),
        ("32Kb", 32 << 10),
        ("32Mb", 32 << 20),
        ("32MB", 32 << 20),
        ("32MiB", 32 << 20),
        ("32Gb", 32 << 30),
        ("32 gib", 32 << 30),
        ("32Tb", 32 << 40),
        ("8p", 8 << 50),
        ("32.3 mb", 33869004),
        ("1.5g", 1610612736),
        (".5k", 512),
        ("1.k", 1024),
        ("1e3", 1000),
        ("0", 0),
        ("0.1b", 0),
        ("8191p", 8191 << 50),
    ],
)
def test_size_bytes(text: str, size: int) -> None:
    assert units.size_bytes(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "x", "m", "-1", "+1", "1mm", "1bb", "1bi", "1 k b", "1  k", " 1k", "1k ", "1,5g", "1_0", "0x10", ".", "٣"],
)
def test_size_bytes_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a size; write for example 512m or 1.5g$"):
        units.size_bytes(text)


@pytest.mark.parametrize("text", ["8192p", "9223372036854775808", "1e99p", "9" * 400])
def test_size_bytes_too_large(text: str) -> None:
    with pytest.raises(ValueError, match=r"^too large; sizes end below 8 EiB$"):
        units.size_bytes(text)


@given(st.integers(0, 2**53), st.sampled_from(["b", "k", "kb", "KiB", "m", "MB", "g", "t"]))
def test_size_bytes_is_exact_for_whole_numbers(number: int, suffix: str) -> None:
    size = number * 1024 ** "bkmgt".index(suffix[0].lower())
    if size < 2**63:
        assert units.size_bytes(f"{number}{suffix}") == size


@given(st.text())
def test_size_bytes_has_one_kind_of_error(text: str) -> None:
    try:
        assert 0 <= units.size_bytes(text) < 2**63
    except ValueError as error:
        assert type(error) is ValueError


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1KiB"),
        (1536, "1.5KiB"),
        (512 << 20, "512MiB"),
        (1 << 40, "1TiB"),
        (7 << 60, "7EiB"),
    ],
)
def test_format_size(size: int, text: str) -> None:
    assert units.format_size(size) == text


@pytest.mark.parametrize(
    ("text", "nano_cpus"),
    [
        ("1", 10**9),
        ("1.5", 1_500_000_000),
        (".5", 500_000_000),
        ("2.", 2 * 10**9),
        ("3/2", 1_500_000_000),
        ("0.000000001", 1),
        ("0", 0),
    ],
)
def test_nano_cpus(text: str, nano_cpus: int) -> None:
    assert units.nano_cpus(text) == nano_cpus


@pytest.mark.parametrize("text", ["", "x", "-1", "1/0", "1/", "1e3", "inf", "nan", "1_0", " 1", "1.5.2", "9" * 5000])
def test_nano_cpus_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a number of processors; write for example 1.5$"):
        units.nano_cpus(text)


@pytest.mark.parametrize("text", ["0.0000000001", "1/3"])
def test_nano_cpus_too_precise(text: str) -> None:
    with pytest.raises(ValueError, match=r"^too precise; nine digits behind the point are the most$"):
        units.nano_cpus(text)

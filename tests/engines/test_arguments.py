"""docker run's command lines, read as pflag reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.engines import arguments
from lxcfs_py.engines.arguments import CommandLine, Option
from lxcfs_py.errors import UsageError

# typed, options in order, docker's own words, the rest
CASES: list[tuple[str, list[tuple[str, str]], str, str]] = [
    ("busybox", [], "", "busybox"),
    ("busybox sh -c ls", [], "", "busybox sh -c ls"),
    ("-it busybox", [("interactive", "true"), ("tty", "true")], "-it", "busybox"),
    ("-itd busybox -m 1g", [("interactive", "true"), ("tty", "true"), ("detach", "true")], "-itd", "busybox -m 1g"),
    ("-m 512m busybox", [("memory", "512m")], "-m 512m", "busybox"),
    ("-m512m busybox", [("memory", "512m")], "-m512m", "busybox"),
    ("-m=512m busybox", [("memory", "512m")], "-m=512m", "busybox"),
    ("-itm512m busybox", [("interactive", "true"), ("tty", "true"), ("memory", "512m")], "-itm512m", "busybox"),
    ("-itm 512m busybox", [("interactive", "true"), ("tty", "true"), ("memory", "512m")], "-itm 512m", "busybox"),
    ("-eX=1 busybox", [("env", "X=1")], "-eX=1", "busybox"),
    ("-e X busybox", [("env", "X")], "-e X", "busybox"),
    ("-e -m busybox", [("env", "-m")], "-e -m", "busybox"),
    ("--env=X busybox", [("env", "X")], "--env=X", "busybox"),
    ("--env= busybox", [("env", "")], "--env=", "busybox"),
    ("--env X=1=2 busybox", [("env", "X=1=2")], "--env X=1=2", "busybox"),
    ("-i=false busybox", [("interactive", "false")], "-i=false", "busybox"),
    ("-it=0 busybox", [("interactive", "true"), ("tty", "false")], "-it=0", "busybox"),
    ("--rm=false busybox", [("rm", "false")], "--rm=false", "busybox"),
    ("--rm false", [("rm", "true")], "--rm", "false"),
    ("--sig-proxy=T --init busybox", [("sig-proxy", "true"), ("init", "true")], "--sig-proxy=T --init", "busybox"),
    ("-- busybox -x", [], "", "busybox -x"),
    ("-m 1g -- busybox -- -x", [("memory", "1g")], "-m 1g", "busybox -- -x"),
    ("-m -- busybox", [("memory", "--")], "-m --", "busybox"),
    ("- x", [], "", "- x"),
    ("", [], "", ""),
    ("--rm", [("rm", "true")], "--rm", ""),
    ("--net host -h box x", [("network", "host"), ("hostname", "box")], "--net host -h box", "x"),
    ("-P -p 80:80 x", [("publish-all", "true"), ("publish", "80:80")], "-P -p 80:80", "x"),
    ("--something-new 1 x", [("something-new", "1")], "--something-new 1", "x"),
    ("--memory=1g --memory 2g x", [("memory", "1g"), ("memory", "2g")], "--memory=1g --memory 2g", "x"),
    ("--engine docker --rm x", [("engine", "docker"), ("rm", "true")], "--rm", "x"),
    ("--rm --engine=runc -m 1g x", [("rm", "true"), ("engine", "runc"), ("memory", "1g")], "--rm -m 1g", "x"),
    ("--dry-run --no-view x --dry-run", [("dry-run", "true"), ("no-view", "true")], "", "x --dry-run"),
    ("--dry-run=false --run-dir D x", [("dry-run", "false"), ("run-dir", "D")], "", "x"),
    ("--rootfs=/r --rm x", [("rootfs", "/r"), ("rm", "true")], "--rm", "x"),
    (
        "-v /a:/b:ro --mount type=bind,src=/x,dst=/y --name n x",
        [("volume", "/a:/b:ro"), ("mount", "type=bind,src=/x,dst=/y"), ("name", "n")],
        "-v /a:/b:ro --mount type=bind,src=/x,dst=/y --name n",
        "x",
    ),
]


@pytest.mark.parametrize(("typed", "options", "words", "rest"), CASES, ids=[case[0] for case in CASES])
def test_parse(typed: str, options: list[tuple[str, str]], words: str, rest: str) -> None:
    assert arguments.parse(tuple(typed.split())) == CommandLine(
        tuple(Option(*option) for option in options), tuple(words.split()), tuple(rest.split())
    )


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("--rm -m", "the option -m needs a value"),
        ("--memory", "the option --memory needs a value"),
        ("-itm", "the option -itm needs a value"),
        ("--engine", "the option --engine needs a value"),
        ("--rm=maybe x", "'--rm=maybe': the option takes no value but true or false"),
        ("-i=2 x", "'-i=2': the option takes no value but true or false"),
        ("--dry-run=x y", "'--dry-run=x': the option takes no value but true or false"),
        ("-itz x", "docker run has no option -z (in '-itz'); options are listed by docker run --help"),
    ],
)
def test_parse_refuses(typed: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        arguments.parse(tuple(typed.split()))
    assert str(raised.value) == message


@given(st.lists(st.text(max_size=8) | st.sampled_from(["-m", "-it", "--rm", "--", "-e", "--engine", "--dry-run=0"])))
def test_no_word_is_lost_or_invented(words: list[str]) -> None:
    try:
        command = arguments.parse(tuple(words))
    except UsageError:
        return
    before = words[: len(words) - len(command.rest)]
    assert tuple(words[len(before) :]) == command.rest
    own = [option for option in command.options if option.name in arguments.OWN_OPTIONS]
    if not own and "--" not in before:
        assert command.words == tuple(before)


def test_the_last_value_counts() -> None:
    command = arguments.parse(("-e", "A", "--env=B", "--rm", "--rm=false", "x"))
    assert command.values("env") == ("A", "B")
    assert command.value("env") == "B"
    assert command.value("name") is None
    assert (command.flag("rm"), command.flag("tty")) == (False, False)


def test_mount_fields() -> None:
    typed = 'TYPE=bind,"src=/a,b",dst=/c/,ro,bind-propagation=rslave'
    assert arguments.mount_fields(typed) == {
        "type": "bind",
        "source": "/a,b",
        "target": "/c/",
        "readonly": "true",
        "bind-propagation": "rslave",
    }


@pytest.mark.parametrize("typed", ['"', "a\nb", "", 'x"y"z,"'])
def test_mount_fields_that_are_not_csv(typed: str) -> None:
    with pytest.raises(UsageError) as raised:
        arguments.mount_fields(typed)
    assert str(raised.value) == f"--mount {typed!r}: not comma-separated fields; see docker run --help"


def test_what_the_user_mounts_over() -> None:
    command = arguments.parse(
        (
            *("-v", "/host/meminfo:/proc/meminfo:ro"),
            *("-v", "/anonymous"),
            *("--volume", "named:/data/./x/"),
            *("--mount", "type=tmpfs,destination=/proc/../sys"),
            *("--mount", "type=volume"),
            *("--tmpfs", "/run:size=1m"),
            "image",
        )
    )
    assert arguments.mounted_by_user(command) == {"/proc/meminfo", "/anonymous", "/data/x", "/sys", "/run"}

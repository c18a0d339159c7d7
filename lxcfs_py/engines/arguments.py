"""The command line of `docker run`, read without changing it: which words are options, and where IMAGE is.

Source: docker/cli cli/command/container/run.go and opts.go (flags), spf13/pflag (how words become flags).
"""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from lxcfs_py.errors import UsageError

# Options of ours, which docker must not see: name → whether it takes a value.
OWN_OPTIONS: Mapping[str, bool] = {
    "engine": True,
    "run-dir": True,
    "rootfs": True,
    "dry-run": False,
    "no-view": False,
}

# docker run's options that take no value; every other one does.
FLAGS = frozenset(
    {
        "detach",
        "disable-content-trust",
        "help",
        "init",
        "interactive",
        "no-healthcheck",
        "oom-kill-disable",
        "privileged",
        "publish-all",
        "quiet",
        "read-only",
        "rm",
        "sig-proxy",
        "tty",
        "use-api-socket",
    }
)

SHORT_NAMES: Mapping[str, str] = {
    "a": "attach",
    "c": "cpu-shares",
    "d": "detach",
    "e": "env",
    "h": "hostname",
    "i": "interactive",
    "l": "label",
    "m": "memory",
    "p": "publish",
    "P": "publish-all",
    "q": "quiet",
    "t": "tty",
    "u": "user",
    "v": "volume",
    "w": "workdir",
}

ALIASES: Mapping[str, str] = {"net": "network", "net-alias": "network-alias", "dns-opt": "dns-option"}

# strconv.ParseBool
_BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}


@dataclass(frozen=True)
class Option:
    """One option by its long name; the value of a flag is "true" or "false"."""

    name: str
    value: str


@dataclass(frozen=True)
class CommandLine:
    """What was typed: all options in order; docker's own words untouched; what follows the options."""

    options: tuple[Option, ...]
    words: tuple[str, ...]  # the options without ours
    rest: tuple[str, ...]  # IMAGE and its command

    def values(self, name: str) -> tuple[str, ...]:
        """Each value that was given for an option."""
        return tuple(option.value for option in self.options if option.name == name)

    def value(self, name: str) -> str | None:
        """The value that counts, the last; None if the option was not given."""
        return (self.values(name) or (None,))[-1]

    def flag(self, name: str) -> bool:
        """Whether a flag is set."""
        return self.value(name) == "true"


def parse(argv: tuple[str, ...]) -> CommandLine:
    """Divide a `run` command line into options and the rest; UsageError where docker would see no option."""
    options: list[Option] = []
    words: list[str] = []
    position = 0
    while position < len(argv):
        word = argv[position]
        if word == "--":
            position += 1
            break
        if word == "-" or not word.startswith("-"):
            break
        following = argv[position + 1] if position + 1 < len(argv) else None
        found, used = _long(word, following) if word.startswith("--") else _cluster(word, following)
        options += found
        if found[0].name not in OWN_OPTIONS:  # ours have no short form, so they never share a word
            words += argv[position : position + used]
        position += used
    return CommandLine(tuple(options), tuple(words), argv[position:])


def _long(word: str, following: str | None) -> tuple[list[Option], int]:
    typed, equals, value = word[2:].partition("=")
    name = ALIASES.get(typed, typed)
    if name in FLAGS or OWN_OPTIONS.get(name) is False:
        return [Option(name, _boolean(word, value if equals else "true"))], 1
    if equals:
        return [Option(name, value)], 1
    return [Option(name, _required(word, following))], 2


def _cluster(word: str, following: str | None) -> tuple[list[Option], int]:
    """One-letter flags may share a word; the first option with a value takes what is left of it."""
    options: list[Option] = []
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        name = SHORT_NAMES.get(letter)
        if name is None:
            raise UsageError(
                f"docker run has no option -{letter} (in {word!r}); options are listed by docker run --help"
            )
        if name in FLAGS and not letters.startswith("="):
            options.append(Option(name, "true"))
        elif name in FLAGS:
            return [*options, Option(name, _boolean(word, letters[1:]))], 1
        elif letters:
            return [*options, Option(name, letters.removeprefix("="))], 1
        else:
            return [*options, Option(name, _required(word, following))], 2
    return options, 1


def _boolean(word: str, value: str) -> str:
    if value not in _BOOLEANS:
        raise UsageError(f"{word!r}: the option takes no value but true or false")
    return "true" if _BOOLEANS[value] else "false"


def _required(word: str, following: str | None) -> str:
    if following is None:
        raise UsageError(f"the option {word} needs a value")
    return following


def mount_fields(text: str) -> dict[str, str]:
    """The fields of a `--mount` value by their long names, a field without "=" having the value "true".

    UsageError if it is not one line of comma-separated values.
    """
    long_names = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
    try:
        (row,) = filter(None, csv.reader([text], strict=True))
    except (csv.Error, ValueError):
        raise UsageError(f"--mount {text!r}: not comma-separated fields; see docker run --help") from None
    fields = (field.partition("=") for field in row)
    return {long_names.get(name.lower(), name.lower()): value if equals else "true" for name, equals, value in fields}


def volume_target(text: str) -> str:
    """Where a `--volume` value is mounted in the container."""
    parts = text.split(":")
    return parts[0] if len(parts) == 1 else parts[1]


def mounted_by_user(command: CommandLine) -> frozenset[str]:
    """The normal form of each path in the container over which the user mounts something."""
    targets = [volume_target(text) for text in command.values("volume")]
    targets += [mount_fields(text).get("target", "") for text in command.values("mount")]
    targets += [text.partition(":")[0] for text in command.values("tmpfs")]
    return frozenset(posixpath.normpath(target) for target in targets if target)

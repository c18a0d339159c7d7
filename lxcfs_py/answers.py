"""An answer for every read: the container's view, else its last good one, else the host's own."""

from __future__ import annotations

import logging
from collections import Counter

from lxcfs_py.containers import Container
from lxcfs_py.errors import LxcfsError
from lxcfs_py.host import Host
from lxcfs_py.views import VirtualFile

log = logging.getLogger(__name__)

_MOST_CAUSES = 1000  # containers may cause ever new ones


class Answers:
    """Renders virtual files; `fallbacks` counts by file and cause what could not be rendered."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.fallbacks: Counter[tuple[str, str]] = Counter()

    def content(self, file: VirtualFile, container: Container | None) -> bytes:
        """The whole file for a container, or byte for byte the host's for None. OSError only from the host's."""
        if container is None:
            return self._host.read_bytes(file.path)
        try:
            text = file.render(container, self._host)
        except (OSError, LxcfsError) as error:
            self._count(file, error)
            return container.answers.get(file.path) or self._host.read_bytes(file.path)
        answer = container.answers[file.path] = text.encode("utf-8", "surrogateescape")
        return answer

    def _count(self, file: VirtualFile, error: Exception) -> None:
        cause = (file.path, f"{type(error).__name__}: {error}"[:200])
        if cause not in self.fallbacks and len(self.fallbacks) >= _MOST_CAUSES:
            cause = (file.path, "other causes")
        if cause not in self.fallbacks:
            log.warning("%s: %s; the last good answer or the host's is given instead", *cause)
        self.fallbacks[cause] += 1

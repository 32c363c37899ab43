"""The process beside a Dask worker: a fresh shell that serves an agent's task as a branch does."""

from __future__ import annotations

import os
import signal
import socket
import sys
from types import ModuleType

from agentnb.kernel.branch.post import Letter
from agentnb.kernel.branch.serve import Server, serve
from agentnb.kernel.branch.travel import Ground, unpack
from agentnb.kernel.fork import Connection, isolate
from agentnb.kernel.shell import current_shell


class _Server(Server):
    def _take(self, letter: Letter) -> None:
        if letter.kind != "lay":
            super()._take(letter)
            return
        assert letter.parcel is not None
        try:
            self._log.lay(letter["name"], unpack(letter.parcel, self._ground), own=letter["own"])
        except Exception as error:
            self._notes.append(
                f"`{letter['name']}` is not there on the Dask worker ({type(error).__name__}: {error}); "
                "do without it, or load it anew"
            )


def main(fd: int, owner: str, parent: int) -> None:
    """Serve over the socket ``fd`` until the worker closes it or dies."""
    isolate.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it died before that held
        return
    namespace = sys.modules["__main__"] = ModuleType("__main__")
    shell = current_shell()
    serve(Connection(socket.socket(fileno=fd)), shell, Ground(vars(namespace), {}), {}, owner, _Server)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

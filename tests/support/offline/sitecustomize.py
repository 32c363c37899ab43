"""On the path of a Python under test: forbids every way out of this machine, and keeps a list of what was tried."""

import os
import sys

_LOG = os.environ.get("AGENTNB_TEST_WAYS_OUT", "")
_HOME = ("127.", "::1", "localhost")


def _guard(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = args[1]
        if not isinstance(address, tuple) or str(address[0]).startswith(_HOME):
            return
    elif event == "socket.getaddrinfo":
        address = args[0]
        if address is None or str(address).startswith(_HOME):
            return
    else:
        return
    with open(_LOG, "a", encoding="utf-8") as log:
        log.write(f"{event} {address}\n")
    raise ConnectionRefusedError(f"no network here: {event} {address}")


if _LOG:
    sys.addaudithook(_guard)

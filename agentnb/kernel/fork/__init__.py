"""Forks of the live process that are safe to make and to live in: the ground under branches and checkpoints.

>>> child = fork(serve, label="quant")  # ``serve(connection)`` runs in the child; ForkRefused says why there is none
>>> child.connection.send(b"...")
>>> child.kill()  # at once, with all processes it started; reaped in the background
"""

from agentnb.kernel.fork.child import Child, Death
from agentnb.kernel.fork.forker import ForkRefused, fork
from agentnb.kernel.fork.guard import why_not
from agentnb.kernel.fork.wire import Connection, Message

__all__ = ["Child", "Connection", "Death", "ForkRefused", "Message", "fork", "why_not"]

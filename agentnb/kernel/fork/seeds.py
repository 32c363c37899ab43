"""Random numbers in a child: what they start from, and generators that a thread of the parent's was drawing from."""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from agentnb.kernel.fork.locks import free


class Seeds:
    """What a child's random numbers start from: other ones than its parent's and its siblings'.

    They follow from the parent's own state and the child's label, so a seeded notebook gives the same numbers again.
    Made in the parent; the standard library reseeds itself at a fork.
    """

    def __init__(self, label: str) -> None:
        numbers: Any = sys.modules.get("numpy.random.mtrand")
        generator = getattr(getattr(numbers, "_rand", None), "_bit_generator", None)  # None while it is being imported
        # not get_state(), which waits as long as a thread draws
        numpys = None if generator is None else pickle.dumps(generator.state)
        source = random.Random(repr((hash(random.getstate()), numpys, label)))
        self._values = [source.getrandbits(32) for _ in range(3)]

    def sow(self) -> None:
        """Seed the global generators of this process."""
        random.seed(self._values[0])
        numbers: Any = sys.modules.get("numpy.random")  # it may have come since these were made
        if hasattr(numbers, "seed"):
            free_generators([numbers.mtrand._rand])
            with suppress(TypeError):  # the user put another kind of generator there
                numbers.seed(self._values[1])
        torch: Any = sys.modules.get("torch")
        if hasattr(torch, "manual_seed"):
            torch.manual_seed(self._values[2])


def free_generators(values: Iterable[Any]) -> None:
    """In the child: make those of numpy's generators among ``values`` usable that another thread was drawing from.

    It held the generator's lock and is not here to give it back. At the fork it slept, so it was not in the middle of
    a change of the generator's state.
    """
    numbers: Any = sys.modules.get("numpy.random")
    kinds = tuple(filter(None, (getattr(numbers, name, None) for name in ("Generator", "RandomState"))))
    for value in values:
        if issubclass(type(value), kinds):  # by its type: a proxy may run code to say what it is
            free(value._bit_generator.lock)

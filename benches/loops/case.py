"""What a case is, and inputs that are the same in every process and under every Python."""

import random
from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Case:
    function: Callable
    #: Arguments, given `make(items, dtype, shape)`: the system's array of these items.
    inputs: Callable
    #: Whether systems must agree to the bit; else to a few units in the last place, for functions like `exp`.
    exact: bool = True
    size: str = ""

    @property
    def name(self):
        return " ".join(filter(None, (self.function.__name__, self.size)))


def floats(seed, count):
    """Numbers in [0, 1)."""
    rng = random.Random(seed)
    return [rng.random() for _ in range(count)]


def integers(seed, count, low, high):
    """Numbers in [low, high)."""
    return [low + int(x * (high - low)) for x in floats(seed, count)]

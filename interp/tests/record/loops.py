"""The loops of the benchmark, called four times each: a digest of the results a line."""

import hashlib
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from scalar import CASES  # noqa: E402


def make(items, dtype, shape=None):
    array = np.array(items, dtype)
    return array if shape is None else array.reshape(shape)


def digest(result):
    if isinstance(result, tuple):
        return " ".join(map(digest, result))
    if isinstance(result, np.ndarray):
        return f"{result.dtype} {result.shape} {hashlib.sha1(result.tobytes()).hexdigest()}"
    return f"{type(result).__name__} {result!r}"


for case in CASES:
    for _ in range(int(sys.argv[2])):
        print(case.name, digest(case.function(*case.inputs(make))))

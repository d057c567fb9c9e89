"""Arithmetic of scalars at the ends of their ranges: every operator, all pairs of values of a type and with Python numbers."""

import operator
import warnings

import numpy as np

INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.longlong, np.ulonglong]
FLOATS = [np.float16, np.float32, np.float64]
COMPLEX = [np.complex64, np.complex128]
BINARY = "add sub mul truediv floordiv mod and_ or_ xor lt le eq ne gt ge pow".split()
UNARY = "neg pos abs invert truth index".split()
CONVERT = [int, float, hash]


def values(kind):
    if issubclass(kind, np.floating):
        info = np.finfo(kind)
        near = [info.max, info.tiny, info.smallest_subnormal, info.eps, kind(1) + info.eps, info.tiny * kind(1.5)]
        return [kind(x) for x in (0.0, -0.0, 1, -1, 3, -0.1, "inf", "-inf", "nan")] + near + [-x for x in near[:3]]
    if issubclass(kind, np.complexfloating):
        parts = values(np.float32 if kind is np.complex64 else np.float64)[:-3:2]
        return [kind(complex(re, im)) for re in parts for im in parts[::2]]
    info = np.iinfo(kind)
    plain = {0, 1, 2, 3, 7, -1, -2, -7, info.max, info.max - 1, info.min, info.min + 1, info.max // 2 + 1}
    return [kind(x) for x in sorted(plain) if info.min <= x <= info.max]


PYTHON = [0, 1, -1, 3, -7, 127, 128, 300, 2**24, 2**24 + 1, 2**31, 2**53 + 1, 2**63, 2**64, 0.0, -0.0, 0.1, -2.5, 1e-40, 1e39, 5e-324, 1e308,
          float("inf"), float("nan"), True, 1j, None]  # fmt: skip


def show(function, *args):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            result = function(*args)
            text = f"{type(result).__name__} {result!r}"
            # The sign of a NaN says nothing.
            if isinstance(result, np.generic) and result == result:
                text += " " + result.tobytes().hex()
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
    return text + "".join(f" [{w.category.__name__}: {w.message}]" for w in seen)


for kind in INTEGERS + FLOATS + COMPLEX:
    for name in UNARY:
        op = getattr(operator, name)
        print(f">>> {name} {kind.__name__}")
        for a in values(kind):
            print(repr(a), show(op, a))
    for convert in CONVERT:
        print(f">>> {convert.__name__} {kind.__name__}")
        for a in values(kind):
            # NaN hashes by where it lies.
            if convert is not hash or a == a:
                print(repr(a), show(convert, a))
    for name in BINARY:
        op = getattr(operator, name)
        print(f">>> {name} {kind.__name__}")
        for a in values(kind):
            if name != "pow" or issubclass(kind, np.integer):
                for b in values(kind):
                    print(repr(a), repr(b), show(op, a, b))
        if name != "pow":
            print(f">>> {name} {kind.__name__} and Python numbers")
            for a in values(kind):
                for b in PYTHON:
                    print(repr(a), repr(b), show(op, a, b), "|", show(op, b, a))

for kind in INTEGERS + FLOATS + COMPLEX + [np.bool]:
    for name in BINARY[:-1]:
        op = getattr(operator, name)
        print(f">>> {name} float64 {kind.__name__}")
        for a in values(np.float64):
            for b in [np.True_, np.False_] if kind is np.bool else values(kind)[::2]:
                print(repr(a), repr(b), show(op, a, b), "|", show(op, b, a))

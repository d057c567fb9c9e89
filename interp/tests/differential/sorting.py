"""Sorting along every axis, alone and together, and elements picked by several arrays: what is printed are whole results."""

import itertools
import zlib

import numpy as np

DTYPES = "? b B h H i I l L e f d F D M8[s] m8[s]".split()


def numbers(rng, dtype, shape, few):
    """Ordinary and special values, many of them equal where there are few."""
    kind = np.dtype(dtype).kind
    size = int(np.prod(shape))
    whole = rng.integers(-4, 4, size) if few else rng.integers(-(2**40), 2**40, size)
    if kind in "?bBiuMm":
        x = whole.astype("i8").view("u8").astype(dtype) if kind != "b" else whole % 2 == 0
    elif kind == "c":
        x = (whole + 1j * rng.integers(-3, 3, size)).astype(dtype)
        x[rng.random(size) < 0.05] = complex(np.nan, 1)
        x[rng.random(size) < 0.05] = complex(1, np.nan)
    else:
        x = (whole / 7).astype(dtype) if dtype != "e" else (whole % 1000).astype(dtype)
        x[rng.random(size) < 0.05] = np.nan
        x[rng.random(size) < 0.05] = np.inf
    return x.reshape(shape)


def show(title, call):
    try:
        result = call()
        # Zeros of either sign have no order among themselves.
        items = result + 0 if result.dtype.kind in "fc" else result
        text = repr((result.dtype, result.shape, result.strides, items.tolist()))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
    print(">>>", title)
    print(text[:200], zlib.crc32(text.encode()))


rng = np.random.Generator(np.random.PCG64(5))
np.seterr(all="ignore")
SHAPES = [(2, 3), (5, 40), (40, 5), (17, 33), (3, 9, 70), (70, 3, 9), (300, 4), (4, 300), (1, 20), (20, 1), (0, 4)]
for dtype, shape, few in itertools.product(DTYPES, SHAPES, [False, True]):
    x = numbers(rng, dtype, shape, few)
    layouts = {
        "C": x,
        "F": np.asfortranarray(x),
        "strided": np.repeat(x, 2, -1)[..., ::2],
        "swapped": x.astype(x.dtype.newbyteorder()),
    }
    for name, y in layouts.items():
        for axis in range(x.ndim):
            show(f"sort {dtype} {shape} {name} {axis}", lambda: np.sort(y, axis))
    show(f"stable {dtype} {shape}", lambda: np.sort(x, 0, kind="stable"))
    show(f"stable argsort {dtype} {shape}", lambda: np.argsort(x, 0, kind="stable"))

for dtype, n, few in itertools.product(DTYPES, [5, 17, 200, 700, 3000], [False, True]):
    x = numbers(rng, dtype, n, few)
    show(f"stable argsort {dtype} {n}", lambda: np.argsort(x, kind="stable"))
    show(f"argsort takes {dtype} {n}", lambda: x[np.argsort(x)])
    show(f"argpartition puts {dtype} {n}", lambda: x[np.argpartition(x, n // 2)][n // 2 : n // 2 + 1])
    show(f"partition puts {dtype} {n}", lambda: np.partition(x, [1, n // 2])[[1, n // 2]])
    show(f"searchsorted {dtype} {n}", lambda: np.sort(x).searchsorted(x, "right"))
    show(f"searchsorted {dtype} {n}", lambda: np.sort(x).searchsorted(x[: n // 2]))

# Numbers that differ in their last bits only, next to ones far away.
for dtype, n in itertools.product("fdFD", [40, 3000, 70_000]):
    x = (1 + rng.integers(-40, 40, n) * np.finfo(dtype).eps).astype(dtype)
    x[rng.random(n) < 0.01] = -(2.0**100)
    x[rng.random(n) < 0.01] = np.nan
    if dtype in "FD":
        x.imag = rng.integers(0, 3, n)
    show(f"close {dtype} {n}", lambda: np.sort(x))
    show(f"close argsort {dtype} {n}", lambda: np.argsort(x, kind="stable"))
    for kth in (n // 2, [1, n // 3, n // 3 + 1, n - 1]):
        show(f"close partition {dtype} {n}", lambda: np.partition(x, kth)[kth])
        show(f"close argpartition {dtype} {n}", lambda: x[np.argpartition(x, kth)][kth])
        show(f"argpartition of some {dtype} {n}", lambda: np.sort(x[np.argpartition(x, kth)]))

ZEROS = [complex(a, b) for a in (0.0, -0.0) for b in (0.0, -0.0)]
MISSING = [complex(np.nan, 1), complex(1, np.nan), complex(np.nan, np.nan), 2 + 1j]
for dtype, values in itertools.product("FDG", [ZEROS, MISSING, ZEROS + MISSING]):
    for order in itertools.permutations(range(len(values)), 3):
        x = np.array([values[i] for i in order] * 7, dtype)
        for equal_nan in (True, False):
            found = np.unique(x, equal_nan=equal_nan)
            print(dtype, order, [(str(z.real), str(z.imag)) for z in found])

for dtype in [*DTYPES, "O", "U3"]:
    for order in "CF":
        x = np.arange(12).astype(dtype).reshape(3, 4, order=order)
        i, j = np.array([0, -1, 2, -3]), np.array([3, -4, 0, 1])
        show(f"x[i, j] {dtype}", lambda: x[i, j])
        show(f"x[i, j] in two axes {dtype}", lambda: x[i.reshape(2, 2), j.reshape(2, 2).T])
        show(f"x[i, j] in two axes {dtype}", lambda: x[i.reshape(2, 2, order="F"), j.reshape(2, 2, order="F")])
        show(f"x[i, j] of others {dtype}", lambda: x[i.astype("i4"), j[:1]])
        show(f"x[i, j] of none {dtype}", lambda: x[i[:0], j[:0]])
        show(f"x[i, j] outside {dtype}", lambda: x[i, j + 1])
        show(f"x[i, j] outside {dtype}", lambda: x[i - 1, j + 1])
        show(f"x[i, j] backwards {dtype}", lambda: x[::-1, ::2][i, [0, 1, -1, -2]])
        show(f"x[i, j] by slices {dtype}", lambda: x[i[::2], j[::2]])

for value in (1j, 2.5 - 1e300j, complex(np.nan, np.inf), 1e-320j):
    for dtype in "FDGdi?":
        for at in (1, slice(None), [0, 2], np.array([True, False, True]), (), [5]):

            def assign():
                x = np.zeros(3, dtype)
                x[at] = value
                return x

            show(f"x[{at}] = {value} {dtype}", assign)

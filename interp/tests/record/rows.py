"""Rows, columns and vectors that are too long for registers: computed in place, assigned, overlapping, of unlike lengths and types."""

import warnings
import zlib

import numpy as np

warnings.simplefilter("always")
warnings.showwarning = lambda message, category, file, line, *_: print("warning", category.__name__, message, line)


def eliminated(a):
    for k in range(len(a)):
        for i in range(k + 1, len(a)):
            a[i] -= a[i, k] / a[k, k] * a[k]
    return a


def eliminated_from(a):
    for k in range(len(a)):
        for i in range(k + 1, len(a)):
            f = a[i, k] / a[k, k]
            a[i, k:] -= f * a[k, k:]
    return a


def assigned(a, v, out):
    for i in range(len(a)):
        out[i] = a[i] * 2 + v
    return out


def added(a, v):
    for i in range(len(a)):
        a[i] += v
    return a


def columns(a):
    for j in range(1, a.shape[1]):
        a[:, j] += a[:, j - 1] * 0.5
    return a


def overlapping(a):
    for i in range(len(a)):
        a[i, 1:] = a[i, :-1] * 2
        a[i, 1:] += a[i, :-1]
        a[i, ::-1] -= a[i]
    return a


def kept(a, v, out):
    t = None
    for i in range(len(a)):
        t = a[i] - v
        out[i] = t * t
    return out, t


def behind_a_store(a, v):
    for i in range(len(a) - 1):
        t = a[i] * 2
        a[i] = 1
        a[i + 1] = t + v
        t = 0
    return a


def branches(a, v, out):
    for i in range(len(a)):
        if i % 3 == 0:
            out[i] = np.sqrt(np.abs(a[i])) / (v + 1)
        elif i % 3 == 1:
            out[i] = -a[i]
        out[i] += i
    return out


def wrapping(a):
    for i in range(1, len(a)):
        a[i] *= a[i - 1]
        a[i] += 100
    return a


def divided(a, out, by):
    for i in range(len(a)):
        out[i] = a[i] // by
        out[i] %= 5
        out[i] -= a[i] / 2
    return out


def one_element(a, v):
    for i in range(len(a)):
        a[i] += v[:1]
    return a


def copied(a, out):
    for i in range(len(a)):
        out[i] = a[len(a) - 1 - i]
        out[i] = out[i]
    return out


def named(a):
    for i in range(len(a)):
        row = a[i]
        row[:] = row * 2
        row += 1
        row[:] = a[0]
    return a


def whole(v, w):
    for i in range(100):
        v += w * 0.01
        w[:] = v - w
    return v, w


def show(f, make):
    for _ in range(2):
        args = make()
        try:
            result = f(*args)
        except Exception as error:
            result = error
        print(f.__name__, type(result).__name__, result if isinstance(result, Exception) else "")
        for array in (*args, *(result if isinstance(result, tuple) else (result,))):
            if isinstance(array, np.ndarray):
                array = np.where(array == array, array, 77)
                print(array.dtype, array.shape, zlib.crc32(array.tobytes()))


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def integers(seed, *shape):
    return np.random.default_rng(seed).integers(-90, 90, shape)


def square():
    return (numbers(1, 70, 70),)


def two(dtype="f8", other="f8"):
    return lambda: (numbers(1, 50, 70).astype(dtype), numbers(2, 70).astype(other))


def three(dtype="f8", other="f8", last="f8"):
    return lambda: (*two(dtype, other)(), numbers(3, 50, 70).astype(last))


for f in (eliminated, eliminated_from, columns, overlapping, named):
    show(f, square)
    show(f, lambda: (numbers(4, 70, 140)[:, ::2],))
    show(f, lambda: (np.asfortranarray(numbers(5, 70, 70)),))
    show(f, lambda: (numbers(6, 70, 70).astype("f4"),))
    show(f, lambda: (np.zeros((70, 70)),))
    show(f, lambda: (numbers(6, 70, 70)[::-1, ::-1] * 1e150,))
for f in (assigned, kept, branches):
    for types in (("f8", "f8", "f8"), ("f4", "f4", "f4"), ("f4", "f8", "f4"), ("f4", "f4", "f8"), ("i8", "f8", "i8"), ("i4", "i2", "i8")):
        show(f, three(*types))
    show(f, lambda: (numbers(1, 50, 70), numbers(2, 69), numbers(3, 50, 70)))
    show(f, lambda: (numbers(1, 50, 70) * np.inf, numbers(2, 70), numbers(3, 50, 70)))
for f in (added, one_element, behind_a_store):
    for types in (("f8", "f8"), ("f4", "f8"), ("f8", "f4"), ("i8", "i8"), ("i4", "i8"), ("i8", "f8"), ("u1", "u1"), ("?", "?")):
        show(f, two(*types))
    show(f, lambda: (numbers(1, 50, 70), numbers(2, 71)))
    show(f, lambda: (np.broadcast_to(numbers(1, 70), (50, 70)), numbers(2, 70)))
    show(f, lambda: (lambda a: (a, a[3]))(numbers(1, 50, 70)))
    show(f, lambda: (lambda a: (a, a[:, 2]))(numbers(1, 70, 70)))
    show(f, lambda: (lambda a: (a[:, :70], a[3, 1:]))(numbers(1, 50, 71)))
for dtype in ("i8", "i4", "u1", "i2", "f8"):
    show(wrapping, lambda: (integers(1, 50, 70).astype(dtype),))
    for by in (3, -4, 0, 2.5, np.float32(2)):
        show(divided, lambda: (integers(1, 50, 70).astype(dtype), np.zeros((50, 70)), by))
    show(copied, lambda: (integers(1, 50, 70).astype(dtype), np.zeros((50, 70), "f4")))
    show(copied, lambda: (lambda a: (a, a))(integers(1, 50, 70).astype(dtype)))
show(copied, lambda: (numbers(1, 50, 70) * 1e300, np.zeros((50, 70), "f4")))
show(copied, lambda: (numbers(1, 50, 70) * 1e30, np.zeros((50, 70), "i4")))
show(whole, lambda: (numbers(1, 200), numbers(2, 200)))
show(whole, lambda: (np.lib.stride_tricks.as_strided(numbers(1, 1), (200,), (0,)), numbers(2, 200)))
show(added, lambda: (np.lib.stride_tricks.as_strided(numbers(1, 50, 1), (50, 70), (8, 0)), numbers(2, 70)))
show(added, lambda: (np.lib.stride_tricks.as_strided(numbers(1, 600), (50, 70), (80, 4)), numbers(2, 70)))
show(whole, lambda: (lambda a: (a[1:], a[:-1]))(numbers(1, 200)))

"""Writes to memory that is read in the same loop: overlapping views, steps of 0, elements in any order."""

import numpy as np
from numpy.lib.stride_tricks import as_strided


def show(x):
    return f"{x.dtype}{x.tolist()}" if isinstance(x, np.ndarray) else repr(x)


def inc(a):
    for i in range(len(a)):
        a[i] = a[i] + 1
    return a


def inci(a):
    for i in range(len(a)):
        a[i] += 1
    return a


def add(a, b):
    for i in range(len(a)):
        a[i] = b[i] * 2 + 1
    return a


def shift(a, k):
    for i in range(len(a) - k):
        a[i + k] = a[i] + 1
    return a


def rev(a):
    n = len(a)
    for i in range(n):
        a[n - 1 - i] = a[i]
    return a


def hist(h, x):
    for i in range(len(x)):
        h[x[i]] += 1
    return h


def two(m):
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            m[i, j] += i * 10 + j
    return m


for dt in "f8", "i8", "i4", "f4", "i2", "u4":
    for rep in range(3):
        base = np.zeros(1, dt)
        z = as_strided(base, (100,), (0,))
        print(show(inc(z)[:3]), show(inci(z)[:3]), show(base))
        base = np.arange(300).astype(dt)
        print(show(add(base[:250], base[50:])))
        base = np.arange(300).astype(dt)
        print(show(add(base[50:], base[:250])))
        base = np.arange(300).astype(dt)
        print(show(add(base[::-1], base)))
        base = np.arange(300).astype(dt)
        print(show(add(base[::2], base[1::2])))
        for k in 1, 2, 3, 7, 64:
            print(show(shift(np.arange(120).astype(dt) % 50, k)))
        print(show(rev(np.arange(101).astype(dt) % 50)))
        base = np.zeros(10, dt)
        z = as_strided(base, (20, 10), (0, base.itemsize))
        print(show(two(z)[0]))
        z = as_strided(base, (10, 20), (base.itemsize, 0))
        print(show(two(z)[:, 0]))
        base = np.zeros(64, dt)
        z = as_strided(base, (30, 30), (base.itemsize, base.itemsize))
        print(show(two(z)[0]))
print(
    show(hist(np.zeros(5, int), np.arange(200) % 5)),
    show(hist(np.zeros(5, int), -(np.arange(200) % 5))),
)


def ro(a, b):
    for i in range(len(a)):
        b[i] = a[i]
    return b


print(show(ro(np.broadcast_to(np.float64(3), (100,)), np.zeros(100))))

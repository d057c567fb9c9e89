"""Compiled loops that call Python functions: with branches, loops and returns in them, errors, None, changed globals."""

import math
import traceback
import warnings

import numpy as np

warnings.simplefilter("always")
warnings.showwarning = lambda message, category, file, line, *_: print(
    "warning", category.__name__, message, line
)


def run(f, *args):
    for _ in range(3):
        try:
            result = f(*args)
        except Exception:
            result = traceback.format_exc()
        print(
            f.__name__,
            type(result).__name__,
            result.tolist() if isinstance(result, np.ndarray) else result,
        )


def sq(x):
    return x * x


def clamp(x, lo, hi):
    if x < lo:
        return lo
    if x > hi:
        return hi
    return x


K = 3


def poly(x):
    y = sq(x) * K
    return y + clamp(x, -1.0, 1.0)


def f(a):
    s = 0.0
    for i in range(len(a)):
        s += poly(a[i]) + math.sqrt(sq(a[i]))
    return s


def mandel(cr, ci, limit):
    x = y = 0.0
    for n in range(limit):
        x2 = x * x
        y2 = y * y
        if x2 + y2 > 4.0:
            return n
        y = 2 * x * y + ci
        x = x2 - y2 + cr
    return limit


def image(out, limit):
    h, w = out.shape
    for j in range(h):
        for i in range(w):
            out[j, i] = mandel(-2 + 3 * i / w, -1 + 2 * j / h, limit)
    return out


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def g(n):
    s = 0
    for i in range(1, n):
        for j in range(1, n):
            s += gcd(i, j)
    return s


def bad(x):
    if x > 150:
        raise ValueError(x)
    return x / (x - 120)


def h(n):
    s = 0.0
    for i in range(n):
        s += bad(i * 1.0)
    return s


def neg(x):
    return -x if x < 0 else None


def k(n):
    c = 0
    for i in range(n):
        if neg(i - 100) is None:
            c += 1
    return c


run(f, np.linspace(-3, 3, 20000))
run(image, np.zeros((60, 80), int), 100)
run(g, 150)
run(h, 110)
run(h, 140)
run(h, 100)
run(k, 1000)


def lz(n):
    s = 0
    for i in range(n):
        if i == 500:
            global K
            K = 5
        s += poly(i)
    return s


run(lz, 1000)


def first(a, v):
    for i in range(len(a)):
        if a[i] == v:
            return i
    return None


def many(a, n):
    c = 0
    miss = 0
    for v in range(n):
        r = first(a, v)
        if r is None:
            miss += 1
        else:
            c += r
    return c, miss


run(many, np.arange(100) * 3 % 101, 150)


def best(a):
    b = None
    k = None
    for i in range(len(a)):
        if b is None or a[i] > b:
            b = a[i]
            k = i
    return b, k


run(best, np.sin(np.arange(300.0)))
run(best, np.arange(300))


def best2(a):
    out = np.zeros(a.shape[0])
    for i in range(a.shape[0]):
        m = None
        for j in range(a.shape[1]):
            if not m or a[i, j] < m:
                m = a[i, j]
        out[i] = m
    return out


run(best2, np.sin(np.arange(3000.0)).reshape(100, 30))


def pick(x):
    return (x, -x) if x > 0 else (0.0, x)


def tup(n):
    s = 0.0
    t = 0.0
    for i in range(n):
        a, b = pick(i - 50.0)
        s += a
        t += b
    return s, t


run(tup, 200)


def dflt(x, y=2):
    return x + y


def d(n):
    s = 0
    for i in range(n):
        s += dflt(i)
    return s


run(d, 200)

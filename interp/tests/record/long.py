"""Folds and products of vectors that are too long for registers: order of additions, signs of zero, what is empty or not finite."""

import warnings

import numpy as np

warnings.simplefilter("always")
warnings.showwarning = lambda message, category, file, line, *_: print("warning", category.__name__, message, line)


def show(f, *args):
    for _ in range(2):
        try:
            result = f(*args)
        except Exception as error:
            result = error
        print(f.__name__, type(result).__name__, repr(result))


def rows(a):
    s = a[0].sum() * 0
    for i in range(len(a)):
        s = s + a[i].sum() - np.sum(a[i])
        s += a[i].sum()
    return s


def extremes(a):
    r = []
    m = n = a[0, 0]
    for i in range(len(a)):
        m = a[i].max()
        n = np.min(a[i])
        if m == n:
            m = n
    r.append((m, n))
    return r


def columns(a):
    s = 0
    for j in range(a.shape[1]):
        s += a[:, j].mean()
    return s


def products(a):
    p = a[0, 0]
    for i in range(len(a)):
        p = a[i].prod()
    return p


def inner(a, b):
    s = a[0, 0] * 0
    for i in range(len(a)):
        s = s + np.dot(a[i], b[:, i]) + a[i] @ a[i]
        s = s - a[i].dot(b[i])
    return s


def growing(a):
    s = a[0] * 0
    for i in range(len(a)):
        s = s + a[:i].sum() + a[i:].max()
    return s


def growing_too_far(a):
    s = a[0] * 0
    for i in range(len(a) + 1):
        s = s + a[: len(a) - i].min()
    return s


def changed(a):
    for i in range(1, len(a)):
        a[i, i % a.shape[1]] = a[i - 1].sum() * 0.5 - a[i].max()
    return a.sum()


rng = np.random.default_rng(5)
for code in ("f8", "f4", "i8", "u8", "i4", "f2", "?"):
    for width in (17, 40, 70, 129, 1000):
        a = (rng.random((60, width)) * 8).astype(code)
        for f in (rows, extremes, columns):
            show(f, a)
    show(products, (np.arange(60 * 70) % 3 + 1).astype(code).reshape(60, 70))
    # Whole numbers: libraries may multiply and add in another order.
    square = (rng.integers(0, 9, (70, 70)) - (4 if code[0] in "fi" else 0)).astype(code)
    show(inner, square, square.T)
    show(inner, square[::-1, ::-1], square)
    show(growing, square.ravel()[:300])
    show(growing_too_far, square[:, 3])
    show(changed, np.abs(square.astype("f8")).astype(code))
zeros = np.zeros((60, 40))
show(rows, -zeros)
show(extremes, -zeros)
mixed = zeros.copy()
mixed[:, ::2] = -0.0
show(extremes, mixed)
show(extremes, mixed[:, ::-1])
odd = rng.random((60, 40))
odd[50, 3] = np.nan
odd[30, 5] = np.inf
for f in (rows, extremes, columns, products):
    show(f, odd)
show(inner, np.rint(odd[:40] * 8), np.rint(odd * 8))
show(rows, np.full((60, 40), 1e308))
show(inner, np.ones((60, 40)), np.ones((30, 60)))

"""Compiled loops over enumerations, several arrays at once and rows; iterators that somebody else has, too."""

import traceback

import numpy as np


def run(f, *a):
    for _ in range(3):
        try:
            r = f(*a)
        except Exception:
            r = traceback.format_exc()
        print(f.__name__, type(r).__name__, r)


A = np.arange(200.0) * 0.5
B = np.arange(300)[::-1].copy()
M = np.arange(600.0).reshape(60, 10)


def en(a):
    s = 0.0
    for i, v in enumerate(a):
        s += i * v
    return s, i, v


run(en, A)


def en2(a):
    s = 0
    for i, v in enumerate(a, 7):
        if i == 150:
            continue
        s += i * v
        if v == 20:
            return s, i
    return s


run(en2, B)


def zp(a, b):
    s = 0.0
    for u, v in zip(a, b):
        s += u * v
        if s < 0:
            s = -s
    return s, u, v


run(zp, A, B)
run(zp, B, A)


def zp3(a, b, n):
    s = 0.0
    for u, v, k in zip(a, b, range(n, 0, -2)):
        s += u * v - k
    return s, k


run(zp3, A, B, 100)
run(zp3, A, B, 1000)


def nested(m):
    s = 0.0
    for i, row in enumerate(m):
        for j, v in enumerate(row):
            s += v * (i - j)
            m[i, j] = v + 1
    return s, row.tolist()


run(nested, M)


def nz(m, w):
    out = []
    s = 0.0
    for row, k in zip(m, w):
        for x, y in zip(row, row[::-1]):
            s += x * y * k
    return s


run(nz, M, A)


def mid(a):
    s = 0
    for i, v in enumerate(a):
        s += v
        if i % 50 == 49:
            s += len(str(s))
    return s


run(mid, B)


def over(a):
    s = 1
    for i, (u, v) in enumerate(zip(a, a)):
        s = s * 3 + u - v + i
    return s


run(over, B)


def err(a, b):
    s = 0.0
    for i, (u, v) in enumerate(zip(a, b)):
        s += u / float(v)
    return s


run(err, A, np.where(B == 150, 0, B))


def shared(a):
    it = iter(a)
    s = 0.0
    for x in it:
        s += x
        if s > 1000:
            break
    return s, next(it, None)


run(shared, A)


def shared2(a):
    it = iter(a)
    s = 0.0
    for x, y in zip(it, it):
        s += x * y
    return s, next(it, None)


run(shared2, A)


def shared3(a):
    e = enumerate(a)
    s = 0.0
    for i, y in e:
        s += i * y
        if i == 120:
            break
    return s, next(e, None)


run(shared3, A)


def aliased(m):
    t = 0.0
    for r in range(m.shape[0]):
        e = enumerate(m[r])
        for i, y in e:
            t += i * y
            if i == 3:
                break
        for i, y in e:
            t -= y
    return t


run(aliased, M)


def strict(a, b):
    s = 0.0
    for u, v in zip(a, b, strict=True):
        s += u * v
    return s


run(strict, A, B)


def empty(a):
    s = 0
    for i, v in enumerate(a):
        s += i
    for u, v in zip(a, []):
        s += 1
    return s


run(empty, np.zeros(0))
run(empty, A)


def cols(m):
    s = 0.0
    for i in range(m.shape[0]):
        x, y = m[i, 2], m[i][3]
        a, b, c, *d = 1, 2, 3, 4
        s += x * y + a
    for x, y in m[:, :2]:
        s += x - y
    return s


run(cols, M)

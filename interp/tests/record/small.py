"""Small arrays in hot loops: every loop here is compiled, and every value is stock numpy's.

Numbers are such that products and sums are exact, since stock numpy's `dot` is free in the order of its additions.
"""

import warnings

import numpy as np


def show(name, *values):
    for value in values:
        if isinstance(value, np.ndarray):
            owner = "owner" if value.base is None else f"view of {value.base.shape}"
            print(name, value.dtype, value.shape, value.strides, owner, value.flags.writeable, value.tobytes().hex())
        else:
            print(name, type(value).__name__, repr(value))


def loop(f):
    """Runs a function long enough for its loop to be compiled, then on other arrays of the same extents."""
    for seed in (3, 5):
        p = (np.arange(60.0) * seed % 7 - 3).reshape(20, 3)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            result = f(p, np.array([1.0, -2.0, 0.5]), np.array([0.5, 0.25, -1.0]))
        show(f.__name__, *result, p)
        print(f.__name__, [(str(w.message), w.lineno) for w in told])


@loop
def carried(p, a, b):
    kept = a
    for i in range(200):
        a = a * 0.5 + b
    return a, kept, kept is a


@loop
def in_place(p, a, b):
    for i in range(200):
        a *= 0.5
        a += b
        a -= 1
    return a, b


@loop
def rebound_and_in_place(p, a, b):
    kept = a
    for i in range(200):
        a += b
        a = a * 0.5
        a -= 1
    return a, kept


@loop
def aliased(p, a, b):
    v = a * 2
    for i in range(200):
        w = v
        w[0] = i
        v = v + w
        u = v[1:]
        u *= 0.5
    return v, w, u, v is w, u.base is v


@loop
def written_through_another_name(p, a, b):
    v = a * 2
    w = v
    for i in range(200):
        w[i % 3] += 0.5
    return v, w, v is w


@loop
def rows(p, a, b):
    total = 0.0
    for i in range(len(p)):
        for j in range(len(p)):
            d = p[j] - p[i]
            total += (d * d).sum()
    return (total,)


@loop
def stored_rows(p, a, b):
    for k in range(40):
        for i in range(len(p)):
            p[i] += a * 0.5
            p[i, :] = p[i] - b
            p[i][0] = 1
            p[-1] = (1, k, 2.5)
    return (p,)


@loop
def overlapping_rows(p, a, b):
    q = p[1:]
    for k in range(10):
        for i in range(len(q)):
            q[i] = p[i] + 1
            p[i, ::-1] = p[i]
    return (q,)


@loop
def made(p, a, b):
    total = np.zeros(3)
    for i in range(200):
        total += np.array([i, 1.5, a[0]]) - np.ones(3) + np.zeros_like(a) + np.full(3, 2.0)
        total += np.array((b, a))[1] + np.eye(3)[i % 3, 0] + np.arange(3)
        total = total.copy()
    return (total,)


@loop
def matrices(p, a, b):
    m = np.eye(3)
    for i in range(100):
        m = m @ m.T + np.outer(a, b)
        m[i % 3, 1] = 0.25
        m[0] = b
        m[:, 2] = m[:, 0]
        m = m / 4
        v = m @ a
        w = a @ m
        x = m.sum(axis=0) + m.sum(1) + m.T[0]
        m = np.where(m > 1.0, 1.0, 0.5)
    return m, v, w, x


@loop
def reductions(p, a, b):
    out = []
    s = 0.0
    for i in range(100):
        s = s + a.sum() + np.sum(b) + a.max() - b.min() + a.mean() + np.prod(b) + np.max(a) + np.dot(a, b) + a.dot(b)
        n = (a > b).sum() + (a > 5).any() + (b < 9).all() + len(a) + a.size + a.shape[0] + a.ndim
        x, y, z = a
        s += x * y - z
    return s, n


@loop
def longer(p, a, b):
    v = np.arange(9) * 0.1 + 0.7
    s = 0.0
    for i in range(100):
        s += v.sum() + (v * v).sum()
        v = v * 0.9
    return s, v


@loop
def functions(p, a, b):
    v = a
    for i in range(100):
        v = np.maximum(np.minimum(v + 1, 3.0), b) + np.sqrt(abs(v)) - np.cross(a, b) * 0 + v ** 2 * 0.125
        v = np.add(v, np.multiply(b, 0.5)) * 0.25
        n = np.linalg.norm(np.array([3.0, 4.0, 12.0]) + 0 * i)
    return v, n


@loop
def integers(p, a, b):
    v = np.array([1, 2, 3])
    u = np.array([200, 100, 7], dtype=np.uint8)
    for i in range(100):
        v = v * 1_000_003 + i
        u = u + u - 1
        u[1] = 7
        w = v // 7 + v % 5
        x = (v > 0) & (w > 3)
    return v, u, w, x


@loop
def types(p, a, b):
    v = np.zeros(3, dtype=np.float32)
    for i in range(100):
        v = v * 0.5 + np.float32(1)
        w = v + b
        x = w.astype(np.float32) + np.array([1, 2, 3], dtype=np.int16)
        y = (w * 3).astype(int)
    return v, w, x, y


def helper(v, s):
    r = v * s
    r[0] = 1
    return r


def larger(v, w):
    if v[0] > w[0]:
        return v
    return w


@loop
def calls(p, a, b):
    v = a
    for i in range(200):
        v = larger(helper(v, 0.5), b + 0) + b
    return (v,)


@loop
def branches(p, a, b):
    v = a * 1
    for i in range(200):
        if i % 3 == 0:
            v = v + b
        elif i % 5 == 0:
            v[1] = i
        else:
            v *= 0.5
    return (v,)


@loop
def warned(p, a, b):
    v = a * 1
    for i in range(200):
        v = v * 1e10
        if i % 50 == 49:
            v = b / (v - v + 1)
        if i == 150:
            v = a / (v * 0.0)
    return (v,)


def lengths():
    """One loop, arrays of many lengths."""
    for n in (2, 3, 5, 8, 10, 3, 1, 2):
        v = np.arange(n) * 0.5
        for i in range(100):
            v = v * 0.5 + 1
        show("lengths", v)


lengths()


def over_few_rows(rows, v):
    """The outermost loop goes over an array whose extent the trace is for."""
    for row in rows:
        v = v * 0.5 + row
    return v


for count in (3, 12, 12, 12, 3, 16, 40, 40):
    for _ in range(6):
        show("over_few_rows", over_few_rows(np.arange(count * 3.0).reshape(count, 3), np.ones(3)))

x = np.array([1.0, 2.0])
y = x
for i in range(300):
    x = x * 0.5 + i
    z = x
    z[0] = 2
show("module", x, y, z, x is z, x is y)

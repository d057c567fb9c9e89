"""Loops that leave compiled code in every way there is: each prints what it gives, raises or warns.

Everything is called twice, so that what was compiled in the first call is entered in the second.
"""

import math
import traceback
import warnings

import numpy as np

warnings.simplefilter("always")
warnings.showwarning = lambda message, category, file, line, *_: print(
    "warning", category.__name__, message, line
)


def show(x):
    if isinstance(x, np.ndarray):
        return f"{x.dtype} {x.tolist()}"
    if isinstance(x, (tuple, list)):
        return type(x).__name__ + "(" + ", ".join(show(i) for i in x) + ")"
    return f"{type(x).__name__} {x!r}"


def run(f, *args):
    for _ in range(2):
        try:
            print(f.__name__, show(f(*args)))
        except Exception:
            print(f.__name__, traceback.format_exc())


N = 200


def ovf(n):
    s = 1
    for i in range(n):
        s = s * 3 + i
    return s


run(ovf, N)


def npovf(a):
    s = np.int64(1)
    for i in range(len(a)):
        s = s * 3 + a[i]
    return s


run(npovf, np.arange(N))


def fovf(a):
    s = np.float64(1.5)
    for i in range(len(a)):
        s = s * a[i]
    return s


run(fovf, np.full(N, 1e10))


def pfovf(a):
    s = 1.5
    for i in range(len(a)):
        s = s * float(a[i])
    return s


run(pfovf, np.full(N, 1e10))


def zd(a, b):
    out = np.zeros(len(a))
    for i in range(len(a)):
        out[i] = a[i] / b[i]
    return out


b = np.ones(N)
b[150] = 0
b[170] = 0
run(zd, np.ones(N), b)
a = np.ones(N)
a[170] = 0
run(zd, a, b)


def zdpy(a, b):
    s = 0.0
    for i in range(len(a)):
        s += float(a[i]) / float(b[i])
    return s


run(zdpy, np.ones(N), b)


def zdi(a, b):
    s = 0
    for i in range(len(a)):
        s += int(a[i]) // int(b[i])
    return s


run(zdi, np.arange(N), b)


def zdni(a, b):
    s = 0
    for i in range(len(a)):
        s += a[i] // b[i]
    return s


run(zdni, np.arange(N), b.astype(int))


def idx(a, n):
    s = 0.0
    for i in range(n):
        s += a[i]
    return s


run(idx, np.ones(N), N + 5)


def negidx(a):
    s = 0.0
    for i in range(-len(a), len(a)):
        s += a[i]
    return s


run(negidx, np.arange(N) * 1.0)


def nan(a):
    s = 0.0
    c = 0
    for i in range(len(a)):
        if a[i] != a[i]:
            c += 1
        else:
            s += a[i]
    return s, c


a = np.ones(N)
a[::7] = np.nan
run(nan, a)


def nansum(a):
    s = 0.0
    for x in a:
        s += x
    return s


run(nansum, a)


def infs(a):
    s = 0.0
    for x in a:
        s += x
    return s


a = np.ones(N)
a[100] = np.inf
a[150] = -np.inf
run(infs, a)


def setint(a, n):
    for i in range(n):
        a[i] = i * 7
    return a


run(setint, np.zeros(N, np.int8), N)
run(setint, np.zeros(N, np.uint8), 30)
run(setint, np.zeros(N, np.float32), N)
run(setint, np.zeros(N, bool), N)


def setfl(a, v):
    for i in range(len(a)):
        a[i] = v * i
    return a


run(setfl, np.zeros(N, np.int64), 1.7)
run(setfl, np.zeros(N, np.int64), 1e17)
run(setfl, np.zeros(60, np.float32), 1e37)
run(setfl, np.zeros(60, np.int64), np.float64(1e17 * 3))
ro = np.zeros(N)
ro.flags.writeable = False
run(setfl, ro, 2.0)


def msqrt(a):
    s = 0.0
    for x in a:
        s += math.sqrt(x)
    return s


run(msqrt, np.arange(N) * 1.0)
run(msqrt, 100 - np.arange(N) * 1.0)


def nsqrt(a):
    s = 0.0
    for x in a:
        s += np.sqrt(x)
    return s


run(nsqrt, 100 - np.arange(N) * 1.0)


def trans(a):
    s = 0.0
    for i in range(len(a)):
        x = a[i]
        s += (
            math.exp(-x) * math.sin(x)
            + np.cos(x) * np.exp(-x * x)
            + math.log(x + 1)
            + np.log1p(x)
            + x**2
            + x**0.5
            + math.atan2(x, 2)
            + abs(-x)
            + x % 0.3
            + x // 0.7
            + float(x) % 0.3
            + float(x) // 0.7
            + float(x) ** 2
        )
    return s


run(trans, np.linspace(0, 5, N))


def branches(a):
    out = [0, 0, 0, 0]
    c0 = c1 = c2 = 0
    for i in range(len(a)):
        x = a[i]
        if x < 10:
            c0 += 1
            continue
        if x > 180:
            break
        if i % 3 == 0 and x > 50 or x == 77:
            c1 += x
        elif not (x % 2):
            c2 += i
    else:
        c2 = -1
    return c0, c1, c2, i, x


run(branches, np.arange(N))
run(branches, np.arange(150))


def find(a, v):
    for i in range(len(a)):
        for j in range(len(a)):
            if a[i] * a[j] == v:
                return i, j
    return None


run(find, np.arange(N), 150 * 99)
run(find, np.arange(60), 10**9)


def views(a):
    s = 0.0
    for i in range(a.shape[0]):
        row = a[i]
        for j in range(1, row.shape[0]):
            s += row[j] * row[j - 1]
        t = a[1:-1, ::2]
        s += t[0, 1] + t[-1, -1]
    return s, row, t


run(views, np.arange(600.0).reshape(60, 10))
run(views, np.asfortranarray(np.arange(600.0).reshape(60, 10)))


def swap(u, v, n):
    for k in range(n):
        for i in range(1, len(u) - 1):
            v[i] = (u[i - 1] + u[i + 1]) * 0.5
        u, v = v, u
    return u, v


run(swap, np.arange(10.0), np.zeros(10), 101)


def kinds(a):
    best = None
    s = 0
    t = 0.0
    for i in range(len(a)):
        s += a[i]
        t += 1
        if i % 2:
            u = 1
        else:
            u = 2.5
    return s, t, u, type(s).__name__


run(kinds, np.arange(N, dtype=np.int32))
run(kinds, np.arange(N, dtype=np.float32))
run(kinds, np.arange(N, dtype=np.uint8))
run(kinds, np.arange(N, dtype=np.uint64))
run(kinds, np.arange(N) % 2 == 0)


def tups(n):
    a, b = 0, 1
    for i in range(n):
        a, b = b, a + b
    return a, b


run(tups, 80)
run(tups, 120)


def wh(n):
    i = 0
    s = 0
    while True:
        i += 1
        if i > n:
            break
        if i & 1:
            continue
        s += i
    return i, s


run(wh, N)


def mixed(a, n):
    k = 0
    while k < n:
        for x in a:
            k += 1
            if x < 0:
                k += 5
    return k


run(mixed, np.arange(-5, 5.0), 500)


def cmpbig(n):
    c = 0
    for i in range(n):
        if i + 2**62 > 2**62 + 100.5:
            c += 1
    return c


run(cmpbig, N)


def shifts(n):
    s = 1
    for i in range(n):
        s = (s << 3) ^ (s >> 5)
        s &= 0xFFFFFFFFFFFF
    return s


run(shifts, N)


def stepped(a):
    s = 0
    for i in range(len(a) - 1, -1, -3):
        s = s * 3 % 1000003 + a[i]
    for i in range(0, len(a), len(a) // 50):
        s += a[i]
    return s


run(stepped, np.arange(N) * 1)


def delv(n):
    for i in range(n):
        t = i * 2
    return i, t


run(delv, N)


def empty(n):
    for i in range(n):
        pass
    try:
        return i
    except UnboundLocalError as e:
        return str(e)


run(empty, 0)
run(empty, N)


def minmax(a):
    m = a[0]
    M = a[0]
    q = 0.0
    for x in a:
        m = min(m, x)
        M = max(M, x)
        q = max(q, float(x))
    return m, M, q


run(minmax, np.sin(np.arange(N) * 1.0))


def b2(a):
    n = 0
    for x in a:
        if x:
            n += 1
        n += x
    return n


run(b2, np.arange(N) % 3 == 0)


def cast(a):
    s = 0
    f = 0.0
    for x in a:
        s += int(x * 10)
        f += float(int(x))
        s += round(x) + math.floor(x) - math.ceil(x)
        s += bool(x)
    return s, f


run(cast, np.linspace(-9, 9, N))


class C:
    pass


c = C()
c.x = 1


def attr(n):
    for i in range(n):
        c.x += i
    return c.x


run(attr, N)


def lists(n):
    l = []
    for i in range(n):
        l.append(i * i)
    return sum(l)


run(lists, N)


def calls(n):
    s = 0
    for i in range(n):
        s += ovf(3)
    return s


run(calls, N)
# globals
tot = 0
arr = np.arange(N) * 1.0
k = 0
for i in range(N):
    tot += i
    arr[i] = arr[i] * 2 + tot
    for j in range(3):
        k += j
print(show(tot), show(arr), show(k), i, j)
g = 0.0


def gl(n):
    global g
    for i in range(n):
        g += i
    return g


run(gl, N)


def cellf(n):
    acc = 0

    def inner():
        nonlocal acc
        for i in range(n):
            acc += i
        return acc

    return inner()


run(cellf, N)


def tiny(a):
    s = 0.0
    for x in a:
        s = x * 1e-10
    return s


# Underflow is heard of only by who asks for it, also when the loop was compiled before.
run(tiny, np.full(N, 1e-310))
with np.errstate(under="warn"):
    run(tiny, np.full(3, 1e-310))
with np.errstate(under="raise"):
    run(tiny, np.full(N, 1e-310))


def joined(x, t):
    r = -1.0
    for i in range(N):
        v = x if x >= t else r - r
        v += 0.001
    return v


# An integer meets a float where branches meet, which 2**53 + 1 can't.
for x in [1000.0, 0.5, 1000, 2**53 + 1, 2**40]:
    run(joined, x, 100)


def carried(x, n):
    s = 0.5
    for i in range(n):
        if i & 1:
            s = x
        s += 0.25
    return s


for x in [1.5, 3, 2**53 + 1, -(2**53) - 3]:
    run(carried, x, N)


# What one way leaves in a temporary cannot meet what the other leaves there, and nobody asks for it any more.
def forgotten(a, x, y):
    last = 0.0
    for i in range(N):
        if i % 2 == 1:
            a[i % len(a), 1] += ((0 ^ 0) >> (7 & 15)) % 50
        elif i <= last:
            w = x + 100 - i
        elif (x if a[2 % len(a), y % a.shape[1]] == y else i) % 3 == 1:
            a[1, 0], a[i % len(a), x % a.shape[1]] = a[i % len(a), x % a.shape[1]], a[1, 0]
        if 3 % 5 == 1 and int(x / 3.0) % 13 == 3:
            continue
    return a


for start in range(3):
    run(forgotten, (np.arange(9) * 7 % 11 - start).reshape(3, 3), 1, 256)
    run(forgotten, ((np.arange(36) * 7 % 11 - start) * 1.25).reshape(6, 6)[::2, ::2], 7, -2)

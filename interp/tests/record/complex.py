"""Compiled loops over complex numbers, Python's and numpy's."""

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


def mb(c, lim):
    z = 0
    for n in range(lim):
        if abs(z) > 2:
            return n
        z = z * z + c
    return lim


def img(w, h, lim):
    out = np.zeros((h, w), int)
    for y in range(h):
        for x in range(w):
            out[y, x] = mb(complex(-2 + 3 * x / w, -1 + 2 * y / h), lim)
    return out


run(img, 60, 40, 50)


def img2(g, lim):
    out = np.zeros(g.shape, int)
    for y in range(g.shape[0]):
        for x in range(g.shape[1]):
            c = g[y, x]
            z = 0j
            for n in range(lim):
                z = z * z + c
                if abs(z) > 2:
                    break
            out[y, x] = n
    return out


g = np.linspace(-2, 1, 30)[None, :] + 1j * np.linspace(-1, 1, 20)[:, None]
run(img2, g, 50)


def acc(a):
    s = 0j
    p = 1.0
    q = 0
    for i in range(len(a)):
        s += a[i] * 2 + i
        p = p * complex(0.9, 0.1)
        q = q - 1j * i
        a[i] = s
    return s, p, q


run(acc, np.arange(100) * (1 + 2j))


def divs(n):
    s = 0j
    for i in range(1, n):
        s += (
            (1 + 2j) / complex(i, -i * 0.5)
            - (-3j) / i
            + (2 + 0j) ** 2
            + complex(i) ** 3
        )
    return s, s.real, s.imag, -s


run(divs, 100)


def dz(n):
    s = 0j
    for i in range(n):
        s += 1 / complex(i - 50, 0)
    return s


run(dz, 100)


def big(n):
    z = 1e150 + 1e150j
    for i in range(n):
        z = z * 1.5
        abs(z)
    return z


run(big, 1000)


def npbig(a):
    z = a[0]
    for i in range(len(a)):
        z = z * a[i]
    return z


run(npbig, np.full(100, 1e5 + 1e5j))


def eq(a):
    c = 0
    for i in range(len(a)):
        z = complex(i % 5, 0)
        if z == 3:
            c += 1
        if z != 2j:
            c += 10
        if z:
            c += 100
    return c


run(eq, np.arange(100))


def mixed(a):
    s = 0j
    for i in range(len(a)):
        p = s - a[i]
        q = a[i] - (s + 1)
        r = (s + 2) * np.int64(3)
        s = p + i * 0.5
    return type(p), type(q), type(r), p, q, r, s


run(mixed, np.arange(100.0))


# Single precision.


def singles(a, out):
    for i in range(len(a)):
        z = a[i] * 2 + 1j
        z = z * a[i] - a[i] * 0.5
        out[i] = z + (a[i] - 1)
    return out


run(singles, (np.arange(100) * (0.37 + 1.25j)).astype("c8"), np.zeros(100, "c8"))
run(singles, (np.arange(100) * (0.37 + 1.25j)).astype("c8"), np.zeros(100, "c16"))
run(singles, np.arange(100) * (0.37 + 1.25j), np.zeros(100, "c8"))
run(singles, np.arange(100) * (1e30 + 1e30j), np.zeros(100, "c8"))
run(singles, (np.arange(100) * (1e20 + 1e20j)).astype("c8"), np.zeros(100, "c8"))
run(singles, np.full(100, np.nan + 1j, "c8"), np.zeros(100, "c8"))


def kinds(a, b, f, d):
    r = a[0]
    for i in range(len(a)):
        r = r * 0.25 + a[i]
        s = a[i] * b[i] - f[i] * a[i]
        t = f[i] + a[i] * 1j
        u = a[i] * d[i] + 1
        v = a[i] * np.int64(3)
        w = -a[i]
        x = abs(a[i]) + a[i].real * a[i].imag
        y = f[i] * 1j
        z = d[i] * (1 + 2j)
    return [(type(k).__name__, repr(k)) for k in (r, s, t, u, v, w, x, y, z)]


c = (np.arange(100) * (0.3 - 0.7j)).astype("c8")
run(kinds, c, c * (1 + 0j), np.arange(100, dtype="f4"), np.arange(100.0))
run(kinds, c[::-1], c.astype("c16"), np.arange(100, dtype="f4") * 0.1, np.arange(100.0) * 0.1)
run(kinds, c * np.complex64(1e38), c, np.arange(100, dtype="f4"), np.arange(100.0))


def stored(out, a):
    for i in range(len(out)):
        out[i] = i
        out[i] = a[i] * 0.1
        out[i] += 1.5 - 2j
        out[-1 - i] = out[i]
        if i % 7 == 3:
            out[i] = 1e39
    return out


run(stored, np.zeros(50, "c8"), np.arange(50.0))
run(stored, np.zeros(50, "c8"), np.arange(50, dtype="i4"))
run(stored, np.zeros((50, 2), "c8")[:, 1], np.arange(50.0))


def summed(a):
    s = np.complex64(0)
    t = np.complex64(1)
    for x in a:
        s += x
        t = t * x * np.float32(0.01)
    return s, t, type(s), type(t)


run(summed, c)
run(summed, c.astype("c16"))


def dft(a, out):
    n = len(a)
    for k in range(n):
        s = a[0] * 0
        for i in range(n):
            s += a[i] * np.exp(-2j * np.pi * k * i / n) if k % 2 else a[i] * 1j
        out[k] = s
    return out


run(dft, c[:30], np.zeros(30, "c8"))

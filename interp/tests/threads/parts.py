"""Long calls, which are split between threads where there are some: prints a checksum of every result, and warnings.

With the argument `own`, what stock numpy computes to other bits.
"""

import sys
import warnings
import zlib

import numpy as np

N = 1_500_001
rng = np.random.default_rng(5)
f = rng.random(N) * 4 - 2
g = np.ascontiguousarray(f[::-1])
i = rng.integers(-1000, 1000, N)
b = f > 0.5
c = f + 1j * g
h = f.astype("f4")
square = rng.random((1250, 1201)) - 0.5
zeros = np.where(np.arange(N) % 3, 0.0, -0.0)
nans = f.copy()
nans[[7, N // 2, N - 3]] = np.nan


def show(name, call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            results = call()
        except Exception as error:
            print(name, type(error).__name__, error)
            return
    for x in results if isinstance(results, tuple) else (results,):
        x = np.asarray(x)
        print(name, x.dtype, x.shape, x.strides, zlib.crc32(x.tobytes()), [str(w.message) for w in caught])


def in_place(x):
    x = x.copy()
    np.add(x, x, out=x)
    np.multiply(x[1:], x[:-1], out=x[1:])
    np.add(x[::2], 1, out=x[::2])
    np.negative(x, out=x[::-1])
    return x


def masked():
    out = np.zeros_like(square)
    np.multiply(square, square, out=out, where=square > 0)
    return out


def last_wins():
    out = np.zeros(1)
    one = np.lib.stride_tricks.as_strided(out, (N,), (0,))
    np.add(f, 1, out=one)
    return out


def equal_bits():
    show("add", lambda: f + g)
    show("strided", lambda: f[:-1:2] * g[1::2])
    show("backwards", lambda: f[::-1] - g[::3].repeat(3)[:N])
    show("mixed", lambda: i + h)
    show("cast in", lambda: np.sqrt(i.astype("i4")))
    show("cast out", lambda: np.add(f, g, out=np.empty(N, "f4"), casting="same_kind"))
    show("compare", lambda: (f < g, b & (f > g), ~b))
    show("divmod", lambda: np.divmod(i, 7))
    show("by zero", lambda: i // (i * 0))
    show("divide", lambda: f / np.where(np.arange(N) == N - 1, 0.0, 1.0))
    show("invalid", lambda: np.sqrt(np.where(np.arange(N) == N - 2, -1.0, 1.0)))
    show("negative power", lambda: i ** np.where(np.arange(N) == N - 1, -1, 1))
    show("in place", lambda: in_place(f))
    show("masked", masked)
    show("one place", last_wins)
    show("broadcast", lambda: square + square[0])
    show("broadcast columns", lambda: square * square[:, :1])
    # With a name, so that stock numpy does not reuse it for the result.
    other = np.asfortranarray(square)
    show("transposed", lambda: square.T + other.T)
    show("both orders", lambda: square + other)
    show("modf", lambda: np.modf(f))
    show("dates", lambda: i.astype("M8[s]") - np.datetime64(0, "s"))
    for axis in (0, 1):
        for order in "CF":
            x = np.asarray(square, order=order)
            show(f"sum {axis} {order}", lambda: x.sum(axis))
            show(f"max {axis} {order}", lambda: x.max(axis))
            show(f"sum of singles {axis} {order}", lambda: x.astype("f4").sum(axis))
            show(f"cast sum {axis} {order}", lambda: x.astype("f4").sum(axis, dtype="f8"))
            show(f"count {axis} {order}", lambda: (x > 0).sum(axis))
            show(f"masked sum {axis} {order}", lambda: x.sum(axis, where=x > 0))
            show(f"any {axis} {order}", lambda: (x > 0.499).any(axis))
    show("sums", lambda: (f.sum(), c.sum(), h.sum(), i.sum(), b.sum(), i.astype("i2").sum()))
    show("products", lambda: (i.prod(), (i | 1).prod()))
    show("bits", lambda: (np.bitwise_and.reduce(i | 4), np.bitwise_xor.reduce(i), np.logical_xor.reduce(b)))
    show("extremes", lambda: (f.max(), f.min(), i.max(), i[::2].min(), h[::3].max(), np.fmax.reduce(nans)))
    show("extremes of NaN", lambda: (np.isnan(nans.max()), np.isnan(nans[::2].min())))
    show("zeros", lambda: (zeros.max(), zeros.min(), zeros[::2].max(), zeros.astype("f4").min()))
    for to in "f4 i4 i8 c16 ? u1 f2".split():
        show(f"astype {to}", lambda: (f.astype(to), i.astype(to), i[::2].astype(to), square.T.astype(to)))
    show("copies", lambda: (f.copy(), f[::2].copy(), c[::-1].copy()))


def own_bits():
    for name in "exp log sin tan arctan sinh tanh cbrt expm1 log1p arcsinh".split():
        show(name, lambda: (getattr(np, name)(f), getattr(np, name)(h[::2]), getattr(np, name)(i)))
    show("power", lambda: (abs(f) ** g, h**3))
    show("complex", lambda: (c * c, c / c, np.exp(c), abs(c)))


own_bits() if sys.argv[1:] == ["own"] else equal_bits()

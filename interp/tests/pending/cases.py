"""Loops of array expressions; every line printed is the same with and without pending arrays."""
import hashlib
import sys
import traceback
import warnings

import numpy as np

warnings.simplefilter("always")
warnings.showwarning = lambda message, category, file, line, *rest: print("warned", message, file, line)


def digest(value):
    value = np.asarray(value)
    return value.dtype.str, value.shape, value.strides, hashlib.md5(value.tobytes()).hexdigest()


def stencil(n, steps, dtype):
    u = np.arange(n * n, dtype=dtype).reshape(n, n) % 17
    v = u.copy()
    for _ in range(steps):
        v[1:-1, 1:-1] = 0.25 * (u[1:-1, :-2] + u[1:-1, 2:] + u[:-2, 1:-1] + u[2:, 1:-1])
        u[1:-1, 1:-1] = (v[1:-1, :-2] + v[1:-1, 2:] + v[:-2, 1:-1] + v[2:, 1:-1]) * 0.25
        # The target lies where an operand lies.
        u[1:-1, 1:-1] = u[1:-1, :-2] + u[1:-1, 2:]
        v[1:-1, 1:-1] -= 0.5 * (u[1:-1, 1:-1] - v[1:-1, 1:-1])
    return u, v


for dtype in "f8", "f4", "f2":
    print([digest(x) for x in stencil(64, 3, dtype)])


def expressions(n):
    a = np.linspace(0.1, 5, n)
    b = np.arange(n)
    c = (b % 5).astype("i4")
    f = a.astype("f4")
    z = a * 1j
    for _ in range(2):
        print(digest(a * b + c), digest(np.sin(a) ** 2 + np.cos(a) ** 2 - 1), digest(f * 2 + f**0.5 - 1.5))
        print(digest((a > 2) & (b < n // 2) | ~(c == 3)), digest(2 < a), digest(z * 2 + a - 1j), digest(-z))
        print(digest(b // 3 + b % 7 - (b << 2)), digest(b**2), digest(b / 3))
        print(digest(np.maximum(a, f) + np.minimum(b, 3)), digest(np.hypot(a, 1) * 2))
        print(digest(np.float32(2) * a + np.float64(1) * f + np.int8(3) * c), digest(abs(a - 2)))
        print(digest(a[:, None][:40] * b[None, :40] + 1), digest(((a + b).reshape(-1, 8)[:, ::2] * 2).T + 1))
        print(float((a * 2).sum()), (a + 1).max(), len(a + 1), (a + 1)[3], (a * 0 + 1 == 1).all())
        print(digest(np.where(a > b, a * 2, f - 1)), digest(np.where(c == 3, 1.5, b)))


expressions(4096)


def folds(n):
    """The operand of a fold waits, and so does its method; a fold that warns does so where numpy's own does."""
    a = np.linspace(-1, 5, n * n).reshape(n, n)
    b = np.arange(n * n).reshape(n, n) % 19
    f = a.astype("f4")
    h = a.astype("f2")
    for _ in range(2):
        d = a - b
        print(repr(np.abs(d).max()), repr((a * b).sum()), repr(np.mean((a - b) ** 2)), digest(d))
        print(digest((a * f).sum(axis=0)), digest(np.sum(f * 2, axis=(0,), keepdims=True)), repr((f + 1).sum()))
        print(repr((h * 2).sum()), repr((h * 2).mean()), digest((h + h).mean(axis=1)), repr((b * 2).mean()))
        print(repr((a > b).any()), repr(np.all(a < 9)), digest((a > b).all(axis=1)), (a > 2).sum(), (b * 1).prod())
        print(digest((a - b).T.max(axis=0)), digest((a.T * 2).min(-1, keepdims=True)), digest((f - b).prod(1)))
        print(digest((a * 2).astype(int)), digest((b + 1).astype("f4") * f), digest((a + b).astype(np.float64)))
        print(digest((a + b).clip(0.0, 3.0) * 2), digest(np.clip(f * 2, 0.5, 1.5)), digest((a * 1).clip(0, 1)))
        m = (a + 1).max
        print(m(), m(axis=0)[:3], (a + b).sum.__name__)
        print(repr((f * 3e38).sum()), repr((a * 1e308 * 10).mean()), repr(np.sum(a / 0)), digest((f * 1e38).sum(axis=0)))
        e = np.exp(a - a.max(axis=1, keepdims=True))
        print(digest(e / e.sum(axis=1, keepdims=True)))
        try:
            (a + 1).sum(axis=3)
        except Exception as error:
            print(repr(error))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                (f * 3e37).sum(axis=1).sum()
                print(repr(np.sum(f * 3e38)))
            except RuntimeWarning as error:
                traceback.print_exc(file=sys.stdout)


folds(60)


def identity(n):
    a = np.linspace(0.1, 5, n)
    b = np.arange(n)
    kept = []
    for _ in range(2):
        t = a * b
        s = t
        # Both names are of one array.
        t += a
        print(s is t, digest(s))
        t = a * 3
        u = t + 1
        t *= 2
        print(digest(t), digest(u))
        x = a + 1
        y = x * 2
        x[::2] = y[::2] - x[::2]
        print(digest(x), digest(y))
        x[...] = x + 1
        x[1:] = x[:-1] * 0.5
        x *= a + 1
        x -= x * 0.5
        print(digest(x))
        e = a * 2
        kept.append([e, e * 2, e])
        print(kept[-1][0] is e, kept[-1][0] is kept[-1][2])
        d = a + 1
        del d
        try_it(a, kept[-1][1] * 2)
    return kept


def try_it(a, b):
    """Sees what the loop has computed."""
    print(digest(b), sys._getframe(1).f_lineno)


for kept in identity(2048):
    print([digest(x) for x in kept])


def warn(n):
    a = np.arange(n, dtype="f8") - 5
    for _ in range(2):
        b = 1 / a
        c = np.log(a) + np.sqrt(
            a)
        # Nobody looks at this, and it warns.
        d = a // (a * 0)
        d = c * b
    return digest(d)


print(warn(2048))


def wrong(a, b, which):
    for _ in range(1):
        t = a * 2
        if which == 0:
            u = t + b
        if which == 1:
            u = (a + 1) - np.ones(3)
        if which == 2:
            t += b
        if which == 3:
            t[2:] = a + t
        if which == 4:
            u = (a > 1) - (a < 0)
        if which == 5:
            u = undefined + t
        if which == 6:
            u = (a > 1) + (t.astype("u1") + 300)
        if which == 7:
            u = a.astype(int) ** (t.astype(int) - 5)
    return t


for which in range(8):
    a, b = np.ones(2000), np.ones(2001)
    try:
        wrong(a, b, which)
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        frame = error.__traceback__.tb_next.tb_frame
        print(sorted((name, digest(value)) for name, value in frame.f_locals.items()))


def raising(n):
    a = np.arange(n, dtype="f8")
    with np.errstate(all="raise"):
        for _ in range(1):
            b = a + 1
            c = b / a
            d = b * 2
    return c, d


try:
    raising(2000)
except FloatingPointError as error:
    traceback.print_exc(file=sys.stdout)
    print(sorted(error.__traceback__.tb_next.tb_frame.f_locals))


class Sub(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        plain = [np.asarray(arg) for arg in args]
        print(ufunc.__name__, [digest(arg) for arg in plain])
        return getattr(ufunc, method)(*plain, **kwargs)


def foreign(a, s):
    for _ in range(2):
        t = a + 1
        a[0] = 7
        u = t * s
        a[0] = 8
        t = t + u
    return digest(t)


print(foreign(np.arange(2000.0), np.arange(2000.0).view(Sub)))

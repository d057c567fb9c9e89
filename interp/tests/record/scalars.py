"""Powers of integers, halves, limits, and C functions: what goes into registers and what does not fit."""

import ctypes
import traceback
import warnings

import numpy as np

warnings.simplefilter("always")
warnings.showwarning = lambda message, category, file, line, *_: print("warning", category.__name__, message, line)


def show(f, *args):
    for _ in range(2):
        try:
            result = f(*args)
        except Exception:
            result = traceback.format_exc(limit=-1)
        if isinstance(result, np.ndarray):
            result = result.dtype, result.tolist()
        print(f.__name__, type(result).__name__, repr(result))


def powers(base, top, turns):
    s = 0
    for i in range(turns):
        s = (s + (base + i % 5) ** (i % top)) % 1000003
    return s


def last_power(base, exponents):
    p = None
    for e in exponents:
        p = base**e
    return p


def numpy_power(a, b):
    out = []
    r = a[0]
    for i in range(len(a)):
        r = a[i] ** b[i]
    out.append(r)
    for i in range(len(a)):
        r = np.power(a[i], b[i])
    out.append(r)
    return [(type(x).__name__, x.item()) for x in out]


show(powers, 2, 7, 200)
show(powers, -3, 13, 200)
show(powers, -1, 90, 200)
show(powers, 7, 40, 300)
show(last_power, 2, list(range(62)) * 2)
show(last_power, 2, range(70))
show(last_power, -2, range(64))
show(last_power, 0, range(70))
show(last_power, 1, range(70))
show(last_power, -1, range(70))
show(last_power, 3, [*range(60), -2])
show(last_power, 0, [*range(60), -2])
for code in ("i1", "u1", "i2", "u4", "i8", "u8"):
    base = np.arange(1, 61).astype(code)
    show(numpy_power, base, (np.arange(60) % 9).astype(code))
    show(numpy_power, base, np.full(60, 5))
    show(numpy_power, base, np.array([2] * 59 + [-1]))
show(numpy_power, np.arange(60.0), np.full(60, 2))


def half_sums(a, b):
    s = np.float16(0)
    for i in range(len(a)):
        s += a[i] * b[i] - a[i] / (b[i] + 2)
    return s


def half_map(a, x, out):
    for i in range(len(a)):
        out[i] = a[i] * x + 1
        if a[i] > out[i]:
            out[i] = -a[i]
    return out


def half_pick(a):
    best, at = a[0], -1
    for i in range(len(a)):
        if a[i] >= best:
            best, at = a[i], i
    return best, at, float(best), int(best)


def half_made(a, out):
    for i in range(len(a)):
        out[i] = np.float16(a[i])
    return out


halves = (np.arange(120) % 37 * 0.37 - 3).astype("f2")
tiny = (np.arange(120) * 6e-8).astype("f2")
for a in (halves, tiny, halves[::-2], np.concatenate([halves, [np.nan, np.inf]]).astype("f2")):
    show(half_sums, a, a[::-1])
    for x in (2, 0.1, np.float16(0.3), np.float32(0.1), 1e3, 7e4):
        for code in ("f2", "f4", "f8", "i8"):
            show(half_map, a, x, np.zeros(len(a), code))
    show(half_pick, a)
for a in (np.arange(100.0) * 3.3, np.arange(100) * 700, np.arange(100, dtype="f4") / 7, np.arange(100) % 3 == 0):
    for code in ("f2", "f8"):
        show(half_made, a, np.zeros(100, code))


def limited(a, low, high, out):
    r = None
    for i in range(len(a)):
        r = np.clip(a[i], low, high)
        out[i] = r
    return r, out.tolist()


def limited_rows(p, low, high):
    r = None
    for i in range(len(p)):
        r = np.clip(p[i], low, high)
        p[i] = r.clip(low, high)
    return r


def best_places(p):
    s = []
    n = 0
    for i in range(len(p)):
        n += p[i].argmax() * 3 + np.argmin(p[i])
    s.append((type(n).__name__, n))
    return s


values = np.array([-0.0, 0.0, 1.5, -2.0, 1e300, 0.5] * 20)
for low, high in ((0.0, 1.0), (-0.0, -0.0), (-1, 2), (2, 1), (np.nan, 1.0), (0.0, np.inf), (True, 3)):
    show(limited, values, low, high, np.zeros(120))
    show(limited, np.arange(120), low, high, np.zeros(120))
    for code in ("f8", "f4", "i8", "u1", "?"):
        show(limited_rows, (np.arange(180) % 7 - 2).astype(code).reshape(60, 3), low, high)
for code in ("f8", "i4", "u8"):
    show(best_places, (np.arange(200) * 7 % 11).astype(code).reshape(50, 4))
odd = (np.arange(200) * 7 % 11 * 1.0).reshape(50, 4)
odd[::5, 2] = np.nan
odd[3, 1] = np.nan
show(best_places, odd)

library = ctypes.CDLL("libm.so.6")
real = library.fmax
real.argtypes, real.restype = [ctypes.c_double, ctypes.c_double], ctypes.c_double
single = library.cosf
single.argtypes, single.restype = (ctypes.c_float,), ctypes.c_float
whole = library.labs
whole.argtypes, whole.restype = [ctypes.c_long], ctypes.c_long
short = library.abs
short.argtypes = [ctypes.c_int]
library.floor.argtypes, library.floor.restype = [ctypes.c_double], ctypes.c_double
seed = library.srand
seed.argtypes, seed.restype = [ctypes.c_uint], None
draw = library.rand
draw.argtypes = []


def with_real(a):
    s = 0.0
    for i in range(len(a)):
        s += real(a[i], 0.5 * i) + library.floor(a[i])
    return s


def with_single(a):
    s = 0.0
    for x in a:
        s += single(x)
    return s


def with_whole(a):
    s = 0
    for i in range(len(a)):
        s += whole(a[i] - i) + short(i - 7)
    return s


def with_state(n):
    seed(7)
    numbers = np.zeros(n, "i8")
    for i in range(n):
        if i % 50 == 0:
            seed(i)
        numbers[i] = draw()
    return numbers


for code in ("f8", "f4", "f2", "i8", "u1", "u8"):
    show(with_real, np.arange(120).astype(code))
    show(with_single, np.arange(120).astype(code))
    show(with_whole, np.arange(120).astype(code))
show(with_single, [True, 2, 0.5] * 40)
show(with_whole, [2**33 + 5, -(2**31)] * 40)
show(with_state, 160)
# The same functions with other types.
real.argtypes = [ctypes.c_float, ctypes.c_double]
show(with_real, np.arange(120.0) * 0.1)
real.errcheck = lambda result, function, args: result + 1
show(with_real, np.arange(120.0) * 0.1)
del real.errcheck
del library.floor
library.floor.argtypes, library.floor.restype = [ctypes.c_double], ctypes.c_int
show(with_real, np.arange(120.0) * 0.1)
show(with_whole, np.arange(5))

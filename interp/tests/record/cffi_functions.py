"""C functions that `cffi` found in a library, called in loops."""

import errno
import traceback
import warnings

import cffi
import numpy as np

ffi = cffi.FFI()
ffi.cdef("""
    double sqrt(double); double pow(double, double); float cosf(float); double fma(double, double, double);
    int abs(int); long labs(long); int toupper(int); double ldexp(double, int); double log(double);
    unsigned int htonl(unsigned int); void srand(unsigned int); long double fabsl(long double); unsigned short htons(uint16_t);
    int snprintf(char *, size_t, const char *, ...); double frexp(double, int *);
""")
libm, libc = ffi.dlopen("libm.so.6"), ffi.dlopen("libc.so.6")
warnings.simplefilter("always")
warnings.showwarning = lambda message, category, file, line, *_: print("warning", category.__name__, message, line)


def run(f, *args):
    for _ in range(3):
        try:
            result = f(*args)
        except Exception:
            result = traceback.format_exc()
        print(f.__name__, type(result).__name__, result.tolist() if isinstance(result, np.ndarray) else result)


def roots(a):
    s = 0.0
    for i in range(len(a)):
        s += libm.sqrt(a[i]) + libm.fma(a[i], 2, i)
    return s


def integers(n, most):
    s = 0
    for i in range(n):
        s += libc.abs(-i * most) + libc.labs(i - n) + libc.toupper(97 + i % 26)
        s += libc.htonl(i) % 1000 + libc.htons(i % 65536)
    return s


def of_elements(a):
    r = []
    for i in range(len(a)):
        s = libm.sqrt(a[i])
        t = libm.cosf(a[i])
        u = libm.ldexp(a[i], i % 5)
    return s, t, u, type(s), type(t)


def of_integers(a):
    s = 0
    for i in range(len(a)):
        s += libc.abs(a[i]) + libc.labs(a[i])
    return s


def nothing(n):
    x = 1
    for i in range(n):
        x = libc.srand(i)
    return x


def local(n):
    f = libm.pow
    s = 0.0
    for i in range(n):
        s += f(i * 0.01, 2)
    return s


def replaced(n):
    s = 0.0
    g = libm.sqrt
    for i in range(n):
        if i == n // 2:
            g = libm.log
        s += g(i + 1)
    return s


def with_errno(n):
    ffi.errno = 7
    s = 0.0
    for i in range(n):
        s = libm.log(-1.0 if i % 3 == 2 else 2.0)
    before = ffi.errno
    for i in range(n):
        s = libm.sqrt(2.0)
    return before, ffi.errno, errno.errorcode[before]


def long_doubles(n):
    for i in range(n):
        x = libm.fabsl(i)
    return float(x)


def pointers(n):
    p = ffi.new("int *")
    for i in range(n):
        x = libm.frexp(i, p)
    return x, p[0]


def wrong(n):
    for i in range(n):
        x = libm.sqrt(i) if i < n - 1 else libm.sqrt("a")
    return x


run(roots, np.arange(300.0))
run(roots, np.arange(300, dtype="f4"))
run(roots, np.arange(300))
run(integers, 300, 1)
run(integers, 300, 2**24)
for dtype in ("f8", "f4", "f2", "i8", "u8", "i1", "?"):
    run(of_elements, np.arange(200).astype(dtype))
for dtype in ("i8", "u8", "i4", "u4", "i1", "?", "f8"):
    run(of_integers, (np.arange(200) * 25_000_000).astype(dtype))
for f in (nothing, local, replaced, with_errno, long_doubles, pointers, wrong):
    run(f, 200)

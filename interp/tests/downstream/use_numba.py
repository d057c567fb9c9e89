import numba
import numpy as np


@numba.njit
def total(a):
    s = 0.0
    for x in a.flat:
        s += x
    return s


@numba.njit
def make(n):
    out = np.empty((n, 2), np.int32)
    for i in range(n):
        out[i, 0] = i
        out[i, 1] = i * i
    return out


@numba.vectorize(["f8(f8, f8)", "i8(i8, i8)"])
def twice(a, b):
    return a * 2 + b


@numba.guvectorize(["(f8[:], f8[:])"], "(n)->()")
def norm(a, out):
    out[0] = np.sqrt((a * a).sum())


print(total(np.arange(10.0)), total(np.arange(6.0).reshape(2, 3).T), make(4).tolist(), make(2).flags.owndata, twice(np.arange(3), 1).tolist(), twice(np.arange(3.0)[:, None], np.arange(2.0)).tolist(), norm(np.arange(6.0).reshape(2, 3)).round(4).tolist(), twice.reduce(np.arange(4.0)), twice.ufunc.types)


@numba.njit(parallel=True)
def par(a):
    s = 0.0
    for i in numba.prange(len(a)):
        s += a[i]
    return s


print(par(np.arange(1000.0)), numba.typeof(np.zeros((2, 3), "f4", order="F")), numba.typeof(np.float32(1)))


def plain(a):
    s = 0.0
    for i in range(len(a)):
        s += a[i]
    return s


print(numba.njit(plain)(np.arange(5.0)), plain(np.arange(5.0)))


@numba.vectorize
def grows(a, b):
    return a * b - 1


# Each type is compiled at its first call and becomes one more loop of the same ufunc.
print(grows(np.arange(3), 2).tolist(), grows(np.arange(3.0), 2.5).tolist(), grows(np.float32(2), np.float32(3)).dtype, grows.ufunc.types)
print(grows.reduce(np.arange(1.0, 4.0)), grows.outer(np.arange(2), np.arange(3)).tolist(), grows.ufunc.ntypes)

"""What is measured: a cell is an operation on arrays of one dtype and number of elements; the layout names the data.

Every operation is a function of an [`Operands`], which makes what it is asked for and keeps it, and returns a function without
arguments to be timed. Data are the same in every process.
"""

import numpy as np

DTYPES = ["int8", "int32", "int64", "float32", "float64", "complex128", "bool"]

#: Of casts: every pair of these.
CASTS = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint64", "float16", "float32", "float64", "complex128"]


class Operands:
    """Arrays of one dtype, size and kind of data."""

    def __init__(self, dtype, size, layout):
        self.dtype, self.n, self.layout = np.dtype(dtype), size, layout
        self.rng = np.random.Generator(np.random.PCG64(11))

    def draw(self, n):
        rng, dtype = self.rng, self.dtype
        if dtype.kind == "b":
            return rng.integers(0, 2, n).astype(bool)
        if dtype.kind in "iu":
            limit = 100 if dtype.itemsize == 1 else 30_000 if dtype.itemsize == 2 else 1_000_000
            return rng.integers(0, limit, n).astype(dtype)
        if dtype.kind == "c":
            return rng.random(n) + 1j * rng.random(n)
        return (rng.random(n) * 1000).astype(dtype)

    def data(self):
        """Numbers in the order the layout says."""
        x = self.draw(self.n)
        if self.layout == "sorted":
            x.sort()
        elif self.layout == "few":
            x = x[self.rng.integers(0, min(self.n, 10), self.n)]
        elif self.layout == "strided":
            x = np.repeat(x, 2)[::2]
        elif self.layout == "F":
            x = np.asfortranarray(self.matrix(x))
        elif self.layout == "C":
            x = self.matrix(x)
        return x

    def matrix(self, x):
        rows = max(1, int(len(x) ** 0.5))
        return x[: rows * (len(x) // rows)].reshape(rows, -1)

    def mask(self):
        """Half of the elements, in no order; all or none in runs where the layout says so."""
        if self.layout == "runs":
            return np.arange(self.n) // 50 % 2 == 0
        return self.rng.random(self.n) < 0.5

    def positions(self, count=None):
        return self.rng.integers(0, self.n, self.n if count is None else count)


def read_item(o):
    x, i = o.data(), o.n // 2
    return lambda: x[i]


def read_item_2d(o):
    x = o.matrix(o.data())
    i, j = x.shape[0] // 2, x.shape[1] // 2
    return lambda: x[i, j]


def read_row(o):
    x = o.matrix(o.data())
    i = x.shape[0] // 2
    return lambda: x[i]


def read_slice(o):
    x, n = o.data(), o.n
    return lambda: x[1:n]


def read_column(o):
    x = o.matrix(o.data())
    return lambda: x[:, 1]


def read_newaxis(o):
    x = o.data()
    return lambda: x[:, None]


def read_fancy(o):
    x, at = o.data(), o.positions()
    return lambda: x[at]


def read_fancy_2d(o):
    x = o.matrix(o.data())
    at = (o.rng.integers(0, x.shape[0], o.n), o.rng.integers(0, x.shape[1], o.n))
    return lambda: x[at]


def read_fancy_rows(o):
    x = o.matrix(o.data())
    at = o.rng.integers(0, x.shape[0], x.shape[0])
    return lambda: x[at]


def read_mask(o):
    x, m = o.data(), o.mask()
    return lambda: x[m]


def write_item(o):
    x, i = o.data(), o.n // 2
    value = x[0].item()

    def call():
        x[i] = value

    return call


def write_item_2d(o):
    x = o.matrix(o.data())
    i, j = x.shape[0] // 2, x.shape[1] // 2
    value = x[0, 0].item()

    def call():
        x[i, j] = value

    return call


def write_slice(o):
    x, n = o.data(), o.n
    y = o.draw(n - 1)

    def call():
        x[1:n] = y

    return call


def write_slice_scalar(o):
    x, n = o.data(), o.n
    value = x[0].item()

    def call():
        x[1:n] = value

    return call


def write_all(o):
    x, y = o.data(), o.data()

    def call():
        x[...] = y

    return call


def write_fancy(o):
    x, at, y = o.data(), o.positions(), o.draw(o.n)

    def call():
        x[at] = y

    return call


def write_fancy_scalar(o):
    x, at = o.data(), o.positions()
    value = x[0].item()

    def call():
        x[at] = value

    return call


def write_mask(o):
    x, m = o.data(), o.mask()
    y = o.draw(int(m.sum()))

    def call():
        x[m] = y

    return call


def write_mask_scalar(o):
    x, m = o.data(), o.mask()
    value = x[0].item()

    def call():
        x[m] = value

    return call


def take(o):
    x, at = o.data(), o.positions()
    return lambda: x.take(at)


def take_rows(o):
    x = o.matrix(o.data())
    at = o.rng.integers(0, x.shape[0], x.shape[0])
    return lambda: x.take(at, axis=0)


def put(o):
    x, at, y = o.data(), o.positions(), o.draw(o.n)
    return lambda: x.put(at, y)


def where(o):
    x, y, m = o.data(), o.data(), o.mask()
    return lambda: np.where(m, x, y)


def where_scalar(o):
    x, m = o.data(), o.mask()
    value = x[0].item()
    return lambda: np.where(m, x, value)


def nonzero(o):
    x = o.data() * o.mask()
    return lambda: x.nonzero()


def count_nonzero(o):
    x = o.data() * o.mask()
    return lambda: np.count_nonzero(x)


def compress(o):
    x, m = o.data(), o.mask()
    return lambda: x.compress(m)


def argmax(o):
    x = o.data()
    return lambda: x.argmax()


def sort(o):
    x = o.data()
    return lambda: np.sort(x)


def sort_stable(o):
    x = o.data()
    return lambda: np.sort(x, kind="stable")


def sort_rows(o):
    x = o.matrix(o.data())
    return lambda: np.sort(x, axis=0)


def argsort(o):
    x = o.data()
    return lambda: x.argsort()


def argsort_stable(o):
    x = o.data()
    return lambda: x.argsort(kind="stable")


def partition(o):
    x, k = o.data(), o.n // 2
    return lambda: np.partition(x, k)


def argpartition(o):
    x, k = o.data(), o.n // 2
    return lambda: x.argpartition(k)


def searchsorted(o):
    x, keys = np.sort(o.data()), o.draw(o.n)
    return lambda: x.searchsorted(keys)


def unique(o):
    x = o.data()
    return lambda: np.unique(x)


def concatenate(o):
    x, y = o.data(), o.data()
    return lambda: np.concatenate((x, y))


def concatenate_columns(o):
    x, y = o.matrix(o.data()), o.matrix(o.data())
    return lambda: np.concatenate((x, y), axis=1)


def stack(o):
    x, y = o.data(), o.data()
    return lambda: np.stack((x, y))


def stack_last(o):
    x, y = o.data(), o.data()
    return lambda: np.stack((x, y), axis=-1)


def repeat(o):
    x = o.data()
    return lambda: x.repeat(2)


def copy(o):
    x = o.data()
    return lambda: x.copy()


def copy_transposed(o):
    x = o.data().T
    return lambda: x.copy(order="C")


def ravel(o):
    x = o.data()
    return lambda: x.ravel()


def reverse(o):
    x = o.data()[::-1]
    return lambda: x.copy()


def fill(o):
    x = o.data()
    value = x[0].item()
    return lambda: x.fill(value)


def zeros(o):
    n, dtype = o.n, o.dtype
    return lambda: np.zeros(n, dtype)


def ones(o):
    n, dtype = o.n, o.dtype
    return lambda: np.ones(n, dtype)


def full(o):
    n, dtype = o.n, o.dtype
    return lambda: np.full(n, 1, dtype)


def arange(o):
    n, dtype = o.n, o.dtype
    return lambda: np.arange(n, dtype=dtype)


def tolist(o):
    x = o.data()
    return lambda: x.tolist()


def from_list(o):
    x = o.data().tolist()
    return lambda: np.array(x)


PLAIN = [""]
ORDERS = ["random", "sorted", "few"]

#: Operations with the layouts they are measured on, by kind; a cast is named by its target.
KINDS = {
    "read": {
        read_item: PLAIN,
        read_item_2d: PLAIN,
        read_row: PLAIN,
        read_slice: PLAIN,
        read_column: PLAIN,
        read_newaxis: PLAIN,
        read_fancy: ["", "strided"],
        read_fancy_2d: PLAIN,
        read_fancy_rows: PLAIN,
        read_mask: ["", "runs"],
    },
    "write": {
        write_item: PLAIN,
        write_item_2d: PLAIN,
        write_slice: PLAIN,
        write_slice_scalar: PLAIN,
        write_all: ["", "strided", "F"],
        write_fancy: PLAIN,
        write_fancy_scalar: PLAIN,
        write_mask: ["", "runs"],
        write_mask_scalar: ["", "runs"],
    },
    "select": {
        take: PLAIN,
        take_rows: PLAIN,
        put: PLAIN,
        where: PLAIN,
        where_scalar: PLAIN,
        nonzero: ["", "runs"],
        count_nonzero: PLAIN,
        compress: PLAIN,
        argmax: PLAIN,
    },
    "sort": {
        sort: ORDERS,
        sort_stable: ORDERS,
        sort_rows: PLAIN,
        argsort: ORDERS,
        argsort_stable: ORDERS,
        partition: ORDERS,
        argpartition: ORDERS,
        searchsorted: PLAIN,
        unique: ["random", "few"],
    },
    "make": {
        concatenate: PLAIN,
        concatenate_columns: PLAIN,
        stack: PLAIN,
        stack_last: PLAIN,
        repeat: PLAIN,
        copy: ["", "strided", "F"],
        copy_transposed: ["C"],
        ravel: ["F"],
        reverse: PLAIN,
        fill: PLAIN,
        zeros: PLAIN,
        ones: PLAIN,
        full: PLAIN,
        arange: PLAIN,
        tolist: PLAIN,
        from_list: PLAIN,
    },
    "cast": {},
}


def operations(kinds, dtypes):
    """Yields `(kind, name, dtype, layouts)`."""
    for kind in kinds:
        if kind == "cast":
            for source in CASTS:
                for target in CASTS:
                    if target != source and not (source == "complex128" and target != "bool"):
                        yield "cast", target, source, ["", "strided"]
            continue
        for function, layouts in KINDS[kind].items():
            for dtype in dtypes:
                if function is arange and dtype == "bool":
                    continue
                yield kind, function.__name__, dtype, layouts


class Store:
    """Nothing is kept between cells."""


def prepare(_store, kind, name, dtype, size, layout):
    operands = Operands(dtype, size, layout)
    if kind == "cast":
        x, target = operands.data(), np.dtype(name)
        return lambda: x.astype(target)
    function = next(f for f in KINDS[kind] if f.__name__ == name)
    return function(operands)

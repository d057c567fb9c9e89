"""What is measured: a cell is an operation on one dtype, number of elements and layout of memory.

`operations` lists all of them; `prepare` makes the arrays of a cell and a function without arguments that computes it.
Operands stay where functions are defined and results are ordinary numbers: special values are not what users wait for.
"""

import numpy as np

DTYPES = ["int32", "int64", "float32", "float64", "complex128", "bool"]
LAYOUTS = ["contiguous", "strided"]

#: Where the first (and the second) operand of a float function lies; everything else takes [-5, 5).
DOMAINS = {
    "arccos": [(-1, 1)],
    "arccosh": [(1, 10)],
    "arcsin": [(-1, 1)],
    "arctanh": [(-1, 1)],
    "log": [(0.01, 100)],
    "log10": [(0.01, 100)],
    "log1p": [(-0.9, 10)],
    "log2": [(0.01, 100)],
    "sqrt": [(0, 100)],
    "power": [(0.01, 10), (-5, 5)],
    "float_power": [(0.01, 10), (-5, 5)],
    "floor_divide": [(-100, 100), (0.5, 10)],
    "remainder": [(-100, 100), (0.5, 10)],
    "fmod": [(-100, 100), (0.5, 10)],
    "divmod": [(-100, 100), (0.5, 10)],
}

#: The same for integers; everything else takes [-1000, 1000) and [1, 100).
INTEGERS = {
    "power": [(-10, 10), (0, 8)],
    "left_shift": [(-1000, 1000), (0, 20)],
    "right_shift": [(-1000, 1000), (0, 20)],
    "ldexp": [(-1000, 1000), (-10, 10)],
    "arccos": [(0, 2)],
    "arcsin": [(0, 2)],
    "arctanh": [(0, 1)],
}

FOLDS = ["add", "multiply", "maximum", "minimum", "logical_and", "logical_or"]
#: Shape as a function of the number of elements, memory order, axis.
FOLD_LAYOUTS = {
    "C, axis 0": (lambda n: square(n), "C", 0),
    "C, axis 1": (lambda n: square(n), "C", 1),
    "F, axis 0": (lambda n: square(n), "F", 0),
    "F, axis 1": (lambda n: square(n), "F", 1),
    "(N, 3), axis 0": (lambda n: (max(1, n // 3), 3), "C", 0),
    "(N, 3), axis 1": (lambda n: (max(1, n // 3), 3), "C", 1),
    "(3, N), axis 0": (lambda n: (3, max(1, n // 3)), "C", 0),
    "contiguous": (lambda n: (n,), "C", 0),
    "strided": (lambda n: (2 * n,), "C", 0),
}


def square(n):
    rows = max(1, int(n**0.5))
    return rows, n // rows


def ufuncs():
    """Universal functions of numbers under their own names."""
    found = {u.__name__: u for u in vars(np).values() if isinstance(u, np.ufunc) and u.signature is None}
    return {name: found[name] for name in sorted(found) if "?" in "".join(found[name].types) or name in found}


def supports(ufunc, dtype):
    """Whether there is a loop for operands of this dtype that does not go through objects."""
    letter = np.dtype(dtype).char
    try:
        resolved = ufunc.resolve_dtypes((np.dtype(letter),) * ufunc.nin + (None,) * ufunc.nout)
    except (TypeError, ValueError):
        return False
    return all(d.kind in "biufc" for d in resolved)


def operations(kinds, dtypes):
    """Yields `(kind, name, dtype, layouts)`."""
    if "ufunc" in kinds:
        for dtype in dtypes:
            for name, ufunc in ufuncs().items():
                if name == "ldexp" and dtype not in ("float32", "float64") or not supports(ufunc, dtype) and name != "ldexp":
                    continue
                yield "ufunc", name, dtype, LAYOUTS
    if "scalar" in kinds:
        for name in ("add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "less", "equal", "maximum"):
            for dtype in dtypes:
                if dtype != "bool" and supports(getattr(np, name), dtype):
                    yield "scalar", name, dtype, LAYOUTS
    if "fold" in kinds:
        for name in FOLDS:
            for dtype in dtypes:
                yield "fold", name, dtype, list(FOLD_LAYOUTS)
    if "cast" in kinds:
        for to in dtypes:
            for dtype in dtypes:
                if to != dtype and not (dtype == "complex128" and to != "bool"):
                    yield "cast", to, dtype, LAYOUTS
    if "where" in kinds:
        for dtype in dtypes:
            yield "where", "where", dtype, LAYOUTS


def draw(rng, domain, count, dtype):
    low, high = domain
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.integers(0, 2, count).astype(bool)
    if kind in "iu":
        return rng.integers(low, high, count).astype(dtype)
    # In pieces, so that ten million complex numbers do not need the memory thrice.
    out = np.empty(count, dtype)
    for start in range(0, count, 1 << 20):
        piece = out[start : start + (1 << 20)]
        if kind == "c":
            piece.real = rng.random(len(piece)) * 10 - 5
            piece.imag = rng.random(len(piece)) * 10 - 5
        else:
            piece[...] = rng.random(len(piece)) * (high - low) + low
    return out


def domain(kind, name, dtype, position):
    integer = np.dtype(dtype).kind in "iu"
    default = [(-1000, 1000), (1, 100)] if integer else [(-5, 5), (-5, 5)]
    domains = {**(INTEGERS if integer else DOMAINS)}.get(name, []) if kind in ("ufunc", "scalar") else []
    return domains[position] if position < len(domains) else default[min(position, 1)]


def operand(domain, dtype, position, count, layout):
    """One input array, the same in every process."""
    rng = np.random.Generator(np.random.PCG64(1000 * position + 7))
    step = 2 if layout == "strided" else 1
    return draw(rng, domain, count * step, dtype)[::step]


class Store:
    """Keeps the arrays of the last few requests: operations share operands, which take longer to draw than to use."""

    def __init__(self):
        self.arrays = {}

    def get(self, kind, name, dtype, position, count, layout):
        key = (domain(kind, name, dtype, position), dtype, position, count, layout)
        if key not in self.arrays:
            while len(self.arrays) >= 4:
                self.arrays.pop(next(iter(self.arrays)))
            self.arrays[key] = operand(*key)
        return self.arrays[key]


def prepare(store, kind, name, dtype, size, layout):
    if kind == "fold":
        shape, order, axis = FOLD_LAYOUTS[layout][0](size), *FOLD_LAYOUTS[layout][1:]
        base = store.get(kind, name, dtype, 0, int(np.prod(shape)), "contiguous")
        if name == "multiply" and base.dtype.kind in "fc":
            base = base * 0 + 1
        x = base.reshape(shape, order=order)
        if layout == "strided":
            x = x[::2]
        fold = getattr(np, name).reduce
        return lambda: fold(x, axis)
    if kind == "cast":
        x = store.get(kind, "", dtype, 0, size, layout)
        target = np.dtype(name)
        return lambda: x.astype(target)
    if kind == "where":
        condition = store.get(kind, name, "bool", 2, size, layout)
        x = store.get(kind, name, dtype, 0, size, layout)
        where = np.where
        return lambda: where(condition, x, x)
    function = getattr(np, name)
    x = store.get(kind, name, dtype, 0, size, layout)
    if kind == "scalar":
        if dtype == "complex128":
            scalar = 1.5 + 0.5j
        else:
            scalar = {"float32": 2.5, "float64": 2.5}.get(dtype, 3 if name == "power" else 7)
        return lambda: function(x, scalar)
    if function.nin == 1:
        return lambda: function(x)
    y = store.get(kind, name, "int32" if name == "ldexp" else dtype, 1, size, layout)
    return lambda: function(x, y)

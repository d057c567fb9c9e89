"""Random functions of random arrays: one line per case, the same from stock numpy, micronumpy, and micronumpy.fuse.

    python cases.py plain|fused FIRST COUNT

A line tells dtype, shape and contents of the result and the warnings given on the way, or the exception. The operations
are those whose results numpy defines to the bit; a NaN counts as a NaN whatever its sign and payload.
"""

import hashlib
import random
import sys
import warnings

import numpy as np

# Products of complex64, powers, magnitudes of complex numbers, and which of two equal zeros fmin returns depend on the layout in stock numpy.
DTYPES = ["?", "b", "B", "h", "H", "i", "I", "l", "L", "e", "f", "d", "D"]
# Nothing without dimensions: there numpy computes with scalars, which warn where arrays do not.
AXES = [(1,), (7,), (33,), (1200,), (4, 5), (5, 1), (1, 5), (40, 60), (3, 4, 5), (1, 1, 5), (2, 1, 31)]
SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-310, 1e300, 65504.0, 0.5, 2.5, -3.5]


def array(rng, dtype, shape):
    """An array of this dtype and shape, lying in memory in any way."""
    seed = np.random.RandomState(rng.randrange(2**32))
    # Room for steps of two and for reversing.
    steps = [rng.choice([1, 1, 1, 2, -1, -2]) for _ in shape]
    full = tuple(n * abs(s) for n, s in zip(shape, steps))
    order = rng.sample(range(len(full)), len(full)) if rng.random() < 0.3 else list(range(len(full)))
    base = np.empty(tuple(full[i] for i in order), dtype)
    kind = base.dtype.kind
    if kind == "b":
        base[...] = seed.randint(0, 2, base.shape)
    elif kind in "iu":
        info = np.iinfo(dtype)
        low, high = (max(info.min, -20), min(info.max, 20)) if rng.random() < 0.7 else (info.min, info.max)
        base[...] = seed.randint(low, high, base.shape, dtype=base.dtype, **{})
    else:
        with np.errstate(all="ignore"):
            base[...] = np.round(seed.standard_normal(base.shape) * 4, 2)
            if kind == "c":
                base[...] += 1j * np.round(seed.standard_normal(base.shape), 1)
            if rng.random() < 0.4 and base.size:
                for value in rng.choices(SPECIAL, k=3):
                    base[tuple(rng.randrange(n) for n in base.shape)] = value
    view = base.transpose(np.argsort(order)) if len(full) > 1 else base
    view = view[tuple(slice(None, None, s) for s in steps)] if shape else view
    view = view[tuple(slice(0, n) for n in shape)]
    if rng.random() < 0.1 and shape and shape[0] > 1:
        view = np.broadcast_to(view[:1], shape)
    return view


class Maker:
    """Makes the text of an expression over names."""

    def __init__(self, rng, names):
        self.rng, self.names = rng, names

    def leaf(self):
        r = self.rng.random()
        if r < 0.75:
            return self.rng.choice(self.names)
        if r < 0.9:
            return repr(self.rng.choice([0, 1, 2, 3, -1, 7]))
        return repr(self.rng.choice([0.5, -1.5, 2.0, 1e3]))

    def expr(self, depth):
        if depth == 0:
            return self.leaf()
        pick = self.rng.random()
        one = lambda: self.expr(depth - 1)  # noqa: E731
        if pick < 0.42:
            return f"({one()} {self.rng.choice('+-*+-*/')} {one()})"
        if pick < 0.55:
            name = self.rng.choice(["minimum", "maximum", "add", "multiply", "logical_and", "logical_or"])
            return f"np.{name}({one()}, {one()})"
        if pick < 0.72:
            name = self.rng.choice(
                ["fabs", "negative", "square", "floor", "ceil", "trunc", "rint", "sign", "isnan", "isfinite", "logical_not",
                 "positive", "sqrt", "signbit", "conjugate", "reciprocal"]
            )  # fmt: skip
            return f"np.{name}({one()})"
        if pick < 0.82:
            op = self.rng.choice(["<", "<=", ">", ">=", "==", "!="])
            return f"({one()} {op} {one()})"
        if pick < 0.9:
            return f"np.where({one()} {self.rng.choice('<>')} {one()}, {one()}, {one()})"
        if pick < 0.94:
            return f"({one()} {self.rng.choice('&|^')} {one()})"
        if pick < 0.97:
            return f"np.add({one()}, {one()}).astype('{self.rng.choice(DTYPES)}')"
        return f"({one()}) ** {self.rng.choice(['2', '1'])}"


def case(seed):
    """Source of a function and its arguments."""
    rng = random.Random(seed)
    shape = rng.choice(AXES)
    dtypes = rng.choices(DTYPES, k=2) + ["d"]
    names, args = [], []
    for name in "abcd"[: rng.randint(1, 4)]:
        # Axes of length one, or missing ones, broadcast.
        own = tuple(1 if rng.random() < 0.15 else n for n in shape)
        own = own[rng.randrange(len(own)) if rng.random() < 0.15 else 0 :]
        names.append(name)
        args.append(array(rng, rng.choice(dtypes), own))
    text = Maker(rng, names).expr(rng.randint(1, 4))
    if rng.random() < 0.35:
        method = rng.choice(["sum", "sum", "prod", "min", "max", "any", "all", "mean"])
        keywords = []
        if shape and rng.random() < 0.6:
            keywords.append(f"axis={rng.randrange(len(shape))}")
        if rng.random() < 0.3:
            keywords.append("keepdims=True")
        text = f"np.add({text}, {names[0]}).{method}({', '.join(keywords)})"
    return f"lambda {', '.join(names)}: {text}", args


def digest(result):
    arr = np.array(result)
    if arr.dtype.kind in "fc":
        parts = arr.view(arr.real.dtype) if arr.ndim else np.array([arr.real, arr.imag]) if arr.dtype.kind == "c" else arr
        arr = np.array(parts)
        arr[np.isnan(arr)] = np.nan
        arr = np.where(np.isnan(arr), np.array(np.nan, arr.dtype), arr)
    return hashlib.md5(arr.tobytes()).hexdigest()[:12]


def layout(result):
    """Which way the axes lie, for results of several axes."""
    strides = [s for s, n in zip(result.strides, result.shape) if n > 1]
    return "" if result.size < 2 else ",".join(str(s) for s in strides)


def line(seed, fused):
    text, args = case(seed)
    function = eval(text)
    if fused:
        import micronumpy

        function = micronumpy.fuse(function)
    out = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            # Twice: recorded, and known. What has no array in it is computed, and warns, at the first call only.
            for _ in range(2 if fused else 1):
                result = function(*args)
            result = np.asanyarray(result)
            out = [result.dtype.str, str(result.shape), layout(result), digest(result)]
        except Exception as error:
            if type(error).__name__ == "FusionError":
                out = ["not fused:", str(error)]
            else:
                # A mistake shows when a fused function is recorded, before anything runs that could warn.
                caught.clear()
                name = "TypeError" if isinstance(error, TypeError) else type(error).__name__
                out = [name, str(error).replace("\n", " ")]
    # Which calls of scalars numpy makes through a ufunc is its own business.
    out += sorted({str(w.message).replace("in scalar ", "in ") for w in caught})
    return " ".join([str(seed), *out])


def main():
    fused = sys.argv[1] == "fused"
    for seed in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):
        print(line(seed, fused))


if __name__ == "__main__":
    main()

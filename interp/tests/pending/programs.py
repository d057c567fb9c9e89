"""Random functions over large arrays: `programs.py FIRST END` prints a line for each seed, `show` its source.

A line holds a digest of everything the function did: the arrays it returned, kept and changed, with their layout, what it
warned of and where, the exception it ended with, its place, and the locals at that time.
"""
import hashlib
import linecache
import random
import sys
import traceback
import warnings

import numpy as np

NAMES = list("abcfumzxyw")
LIKELY = list("abcfxyw") * 3
NUMBERS = ["2", "1.5", "3j", "-1", "s32", "s64", "i8", "0.5", "7", "2", "1.5"]
WHOLE = ["[...]", "[:]", "[0:]", "[:, :]"] * 4
PARTS = "[1:-1] [::2] [:-2] [2:] [::-1] [:,1:] [1:,::2] [None] [3] [:,3] [-5:,:7] [b>3] [[1,2]]".split()
OPERATORS = "+ - * / + - * + - * / // % ** & | < > == <= !=".split()
UNARY = "sqrt abs negative floor square sign isnan logical_not exp log1p".split()
BINARY = "maximum minimum add hypot arctan2 logical_and copysign fmax".split()
METHODS = ["sum()", "T", "mean(axis=0)", "max()", "shape[0]", "copy()", "real", "astype(int)", "ndim"]
FOLDS = "sum prod max min any all mean sum mean max".split()
AXES = ["", "", "", "axis=0", "axis=1", "axis=-1", "0", "1", "None", "axis=(0, 1)", "axis=2", "axis=(1, 1)", "axis=1.5"]
KEPT = ["", "", "", "keepdims=True", "keepdims=False"]
MORE = ["dtype='f4'", "initial=2", "where=m", "out=b[0]"]
CASTS = ["int", "float", "bool", "complex", "np.float32", "np.int8", "'f8'", "np.dtype('f4')", "np.float16", "object", "a.dtype"]
CLIPS = ["0.0, 1.0", "0, 1", "-0.5, 0.5", "a, 1.0", "None, 1.0", "1.0, 0.0", "min=0.0, max=1.0", "np.nan, 1.0", "1e300, 1e301"]


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, options):
        return self.random.choice(options)

    def index(self):
        return self.pick(WHOLE + PARTS)

    def expression(self, depth=0):
        k = self.random.random()
        deeper = lambda: self.expression(depth + 1)
        if depth > 3 or k < 0.25:
            return self.pick(LIKELY + NAMES + NUMBERS)
        if k < 0.62:
            return f"({deeper()} {self.pick(OPERATORS)} {deeper()})"
        if k < 0.71:
            return f"np.{self.pick(UNARY)}({deeper()})"
        if k < 0.78:
            return f"np.{self.pick(BINARY)}({deeper()}, {deeper()})"
        if k < 0.8:
            return f"np.where({deeper()}, {deeper()}, {deeper()})"
        if k < 0.86:
            return f"({self.pick('-~')}{deeper()})"
        if k < 0.94:
            return self.pick(NAMES) + self.index()
        if k < 0.95:
            return f"abs({deeper()})"
        if k < 0.96:
            return f"({deeper()}).{self.pick(METHODS)}"
        return self.of_array(deeper())

    def of_array(self, array):
        """A fold, cast or clip, as a method or a function."""
        k = self.random.random()
        if k < 0.2:
            return f"({array}).astype({self.pick(CASTS)})"
        if k < 0.35:
            limits = self.pick(CLIPS)
            return self.pick([f"({array}).clip({limits})", f"np.clip({array}, {limits})"])
        more = self.pick(MORE) if self.random.random() < 0.05 else ""
        args = ", ".join(filter(None, [self.pick(AXES), self.pick(KEPT), more]))
        name = self.pick(FOLDS)
        return f"({array}).{name}({args})" if self.random.random() < 0.6 else f"np.{name}({array}, {args})"

    def statement(self, indent):
        k, pad, name = self.random.random(), "    " * indent, self.pick(NAMES)
        if k < 0.1:
            return [f"{pad}{name} = {self.of_array(self.expression(1))}"]
        if k < 0.4:
            return [f"{pad}{name} = {self.expression()}"]
        if k < 0.55:
            return [f"{pad}{name} {self.pick(['+=', '-=', '*=', '/=', '**=', '//='])} {self.expression(1)}"]
        if k < 0.7:
            return [f"{pad}{name}{self.index()} = {self.expression(1)}"]
        if k < 0.8:
            return [f"{pad}{name}{self.index()} {self.pick(['+=', '-=', '*='])} {self.expression(1)}"]
        if k < 0.84:
            return [f"{pad}{name} = {self.pick(NAMES)}"]
        if k < 0.88:
            return [f"{pad}look({self.pick(NAMES)}, {self.expression(1)})"]
        if k < 0.9:
            return [f"{pad}del {name}"]
        if k < 0.93:
            return [f"{pad}keep.append({self.pick(NAMES)})"]
        if k < 0.96:
            return [f"{pad}if ({self.expression(1)}).any():", *self.statement(indent + 1)]
        body = self.statement(indent + 1) + self.statement(indent + 1)
        return [f"{pad}for j in range({self.pick([0, 1, 2])}):", *body]

    def function(self):
        lines = [
            "def run(a, b, c, f, u, m, z, x, y, w, s32, s64, i8, keep):",
            f"    for i in range({self.pick([1, 2, 3])}):",
        ]
        for _ in range(self.random.randint(2, 7)):
            lines += self.statement(2)
        return "\n".join([*lines, "    return a, b, c, f, u, m, z, x, y, w"])


def data(seed):
    rng = np.random.default_rng(seed)
    shape = (50, 50) if seed % 3 == 0 else (40, 60)
    a, x = rng.standard_normal(shape), rng.random(shape)
    return {
        "a": a,
        "b": rng.integers(-5, 9, shape),
        "c": rng.integers(0, 100, shape).astype("i4"),
        "f": rng.standard_normal(shape).astype("f4"),
        "u": rng.integers(0, 200, shape).astype("u1"),
        "m": rng.random(shape) > 0.5,
        "z": a + 1j * rng.standard_normal(shape),
        "x": x,
        "y": rng.random(shape[1:]) if seed % 2 else rng.random((shape[0], 1)),
        # Lies in the memory of another.
        "w": a[::-1, ::-1] if seed % 5 == 0 else x,
        "s32": np.float32(1.25),
        "s64": np.float64(-0.75),
        "i8": np.int8(3),
    }


def digest(value):
    if not isinstance(value, (np.ndarray, np.generic)):
        return repr(value)[:60]
    value = np.asarray(value)
    if value.dtype.kind in "fc":
        value = value.copy(order="K")
        # Which NaN it is is nobody's promise.
        value[np.isnan(value)] = np.nan
    data = repr(value.tolist()).encode() if value.dtype.kind == "O" else value.tobytes()
    return f"{value.dtype.str}{value.shape}{value.strides}{hashlib.md5(data).hexdigest()}"


def outcome(seed, log):
    source, file = Writer(seed).function(), f"<program {seed}>"
    linecache.cache[file] = len(source), None, source.splitlines(True), file
    names = {"np": np, "look": lambda *args: log.append([digest(arg) for arg in args])}
    exec(compile(source, file, "exec"), names)
    given, keep = data(seed), []
    arrays = list(given.values())
    try:
        result = [digest(value) for value in names["run"](keep=keep, **given)]
    except Exception as error:
        place = error.__traceback__.tb_next
        local = sorted(place.tb_frame.f_locals.items())
        result = [
            "".join(traceback.format_exception_only(error)),
            "".join(traceback.format_tb(place)),
            [(name, digest(value)) for name, value in local if name != "keep"],
        ]
    kept = [(digest(value), [value is array for array in arrays]) for value in keep]
    return result, kept, [digest(array) for array in arrays]


def main(first, end):
    warnings.simplefilter("always")
    for seed in range(first, end):
        log = []
        warnings.showwarning = lambda message, category, file, line, *rest: log.append((str(message), file, line))
        result, *rest = outcome(seed, log)
        text = repr((result, rest, log))
        print(seed, hashlib.md5(text.encode()).hexdigest(), len(log), result[0].strip()[:60])


if sys.argv[1] == "show":
    print(Writer(int(sys.argv[2])).function())
else:
    main(int(sys.argv[1]), int(sys.argv[2]))

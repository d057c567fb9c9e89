"""Random programs about small arrays in loops: made, read, written, aliased and carried over turns.

One program has one length of vectors, so that most operations go together. Names tell kinds: `v` vectors, `m` square
matrices, `s` scalars, `p` an array of points given from outside, `w` vectors given from outside.
"""

import random

DTYPES = ["f8"] * 8 + ["i8", "i8", "f4", "i4", "u1", "i2"]
NUMBERS = ["0.5", "2", "-1", "1.5", "3", "0.25", "-0.75", "1e3", "7"]
ODD = ["0.0", "-0.0", "math.inf", "math.nan", "1e308", "2**40", "300", "True"]


class Small:
    def __init__(self, seed):
        self.rng = random.Random(f"small {seed}")
        self.lines, self.indent, self.count = [], 0, 0
        self.length = self.rng.choice([2, 3, 3, 3, 4, 8, 9])
        self.dtype = self.rng.choice(DTYPES)
        self.odd = self.rng.random() < 0.25
        self.products = self.rng.random() < 0.5
        self.aliases = self.rng.random() < 0.5
        self.calls = self.rng.random() < 0.4
        self.vectors, self.matrices, self.scalars, self.counters = [], [], [], []
        self.given, self.loops = [], 0

    def emit(self, line):
        self.lines.append("    " * self.indent + line)

    def pick(self, *options):
        return self.rng.choice(options)

    def new(self, stem):
        self.count += 1
        return f"{stem}{self.count}"

    def number(self):
        options = NUMBERS + (ODD if self.odd else [])
        return self.rng.choice(options + self.scalars * 2)

    def index(self):
        if self.counters and self.rng.random() < 0.4:
            return f"{self.rng.choice(self.counters)} % {self.length}"
        return str(self.rng.randrange(-self.length, self.length + (self.rng.random() < 0.02)))

    def vector(self, depth=2):
        """An expression that is a vector, most likely."""
        v = self.rng.choice(self.vectors) if self.vectors else "w0"
        if depth <= 0 or self.rng.random() < 0.25:
            return v
        a, b = self.vector(depth - 1), self.vector(depth - 1)
        m = self.rng.choice(self.matrices) if self.matrices else None
        n = self.number()
        options = [
            f"({a} {self.pick('+', '-', '*')} {b})", f"({a} {self.pick('+', '-', '*')} {n})", f"({n} {self.pick('+', '-', '*')} {a})",
            f"({a} / (abs({b}) + 1))", f"({a} {self.pick('/', '//', '%')} {n if self.odd else 3})", f"(-{a})", f"abs({a})",
            f"np.{self.pick('minimum', 'maximum')}({a}, {self.pick(b, n)})", f"np.sqrt(abs({a}))", f"({a} ** 2)",
            f"np.where({a} {self.pick('<', '>', '==')} {n}, {a}, {self.pick(b, n)})", f"{a}.copy()", f"({a})[::-1]",
            f"np.array([{', '.join(self.pick(n, f'{v}[{self.index()}]', self.scalar(0)) for _ in range(self.length))}])",
            f"np.{self.pick('zeros', 'ones')}({self.length}{self.pick('', '', ', dtype=np.' + self.pick('int64', 'float32', 'float64'))})",
            f"({a}).astype({self.pick('float', 'np.float64', 'np.float32', 'int')})", f"np.full({self.length}, {n})",
            f"np.arange({self.length})", f"({a} < {b})", f"np.zeros_like({v})", f"np.array({v})", f"(p[{self.point()}] {self.pick('+', '*')} {a})",
            f"p[{self.point()}]", f"np.add({a}, {b})", f"np.clip({a}, {self.pick(-1, n)}, 2)", f"({a}).clip(0, {n})",
        ]  # fmt: skip
        if self.length == 3:
            options += [f"np.cross({a}, {b})"]
        if m:
            options += [f"{m}[{self.index()}]", f"{m}[:, {self.index()}]", f"{m}.sum(axis={self.pick(0, 1, -1)})", f"({m} * {a})[0]",
                        f"{m}.max({self.pick(0, 1)})", f"{m}.T[{self.index()}]", f"{m}.mean(axis=0)"]  # fmt: skip
            if self.products:
                options += [f"({m} @ {a})", f"({a} @ {m})", f"np.dot({m}, {a})"] * 2
        if self.calls:
            options += [f"helper({a}, {b})", f"twist({a})", f"helper(b={a}, a={b})", f"blend({a})", f"blend({a}, t={n})"]
        return self.rng.choice(options)

    def point(self):
        return self.pick("0", "1", "-1", *(f"{c} % len(p)" for c in self.counters))

    def matrix(self):
        m = self.rng.choice(self.matrices) if self.matrices else "m0"
        a, b = self.vector(1), self.vector(1)
        options = [f"{m} + {self.pick(m, a, self.number())}", f"{m} * {self.number()}", f"np.outer({a}, {b})", f"np.eye({self.length})",
                   f"np.array([{', '.join(self.vector(0) for _ in range(self.length))}])", f"{m}.copy()", f"-{m}", f"{m}.T",
                   f"np.zeros(({self.length}, {self.length}))", f"{m} - {m}.T"]  # fmt: skip
        if self.products:
            options += [f"{m} @ {m}", f"{m} @ {m}.T", f"{m}.T @ {m}"]
        return self.rng.choice(options)

    def scalar(self, depth=1):
        v = self.rng.choice(self.vectors)
        if depth <= 0:
            return self.pick(f"{v}[{self.index()}]", *self.scalars or ["1.0"])
        a = self.vector(1)
        options = [f"{v}[{self.index()}]", f"({a}).{self.pick('sum', 'max', 'min', 'mean', 'prod')}()", f"np.{self.pick('sum', 'max', 'mean')}({a})",
                   f"({a} > {self.number()}).{self.pick('any', 'all', 'sum')}()", f"len({v})", f"{v}.size", f"{v}.shape[0]",
                   f"{self.scalar(0)} * {self.number()}", f"float({v}[{self.index()}])", f"({a}).{self.pick('argmax', 'argmin')}()", f"(1.5, 2.0, -1.0)[{self.pick('1', *(c + ' % 3' for c in self.counters))}]", f"np.sqrt(abs({v}[{self.index()}]))"]  # fmt: skip
        if self.matrices:
            m = self.rng.choice(self.matrices)
            options += [f"{m}[{self.index()}, {self.index()}]", f"{m}.sum()", f"{m}[{self.index()}][{self.index()}]"]
        if self.products:
            options += [f"np.dot({a}, {v})", f"({a} @ {v})", f"{v}.dot({v})"]
        return self.rng.choice(options)

    def statement(self, depth):
        vectors = [v for v in self.vectors if v not in self.given or self.rng.random() < 0.6]
        roll = self.rng.random()
        v = self.rng.choice(vectors) if vectors else None
        if v is None or roll < 0.2:
            name = v if v and self.rng.random() < 0.6 else self.new("v")
            self.emit(f"{name} = {self.vector()}")
            if name not in self.vectors:
                self.vectors.append(name)
        elif roll < 0.32:
            op = self.pick("+=", "-=", "*=", "+=", "/=" if self.dtype[0] == "f" else "-=")
            value = self.vector(1) if op != "/=" else f"(abs({self.vector(0)}) + 1)"
            self.emit(f"{v} {op} {self.pick(value, value, '2' if op != '/=' else '4')}")
        elif roll < 0.42:
            self.emit(f"{v}[{self.index()}] {self.pick('=', '=', '+=', '*=')} {self.pick(self.number(), self.scalar())}")
        elif roll < 0.47:
            part = self.pick(":", "::-1", "1:", ":-1", "...")
            self.emit(f"{v}[{part}] {self.pick('=', '+=')} {self.pick(self.number(), v + '[' + part + ']', self.vector(1) if part in (':', '::-1') else '1')}")
        elif roll < 0.57:
            i = self.point()
            self.emit(self.pick(f"p[{i}] = {self.vector(1)}", f"p[{i}] += {self.vector(1)}", f"p[{i}, {self.index()}] = {self.scalar()}",
                                f"p[{i}, :] = {self.vector(1)}", f"p[{i}] *= 0.5" if self.dtype[0] == "f" else f"p[{i}] *= 3"))  # fmt: skip
        elif roll < 0.67:
            name = self.rng.choice(self.scalars) if self.scalars and self.rng.random() < 0.5 else self.new("s")
            self.emit(f"{name} = {self.scalar()}")
            if name not in self.scalars:
                self.scalars.append(name)
        elif roll < 0.73:
            name = self.rng.choice(self.matrices) if self.matrices and self.rng.random() < 0.6 else self.new("m")
            self.emit(f"{name} = {self.matrix()}")
            if name not in self.matrices:
                self.matrices.append(name)
        elif roll < 0.77 and self.matrices:
            m = self.rng.choice(self.matrices)
            self.emit(self.pick(f"{m}[{self.index()}, {self.index()}] = {self.number()}", f"{m}[{self.index()}] = {self.vector(1)}", f"{m} *= 0.5",
                                f"{m}[{self.index()}] += {self.vector(0)}", f"{m}[:, {self.index()}] = {self.number()}"))  # fmt: skip
        elif roll < 0.82 and self.aliases:
            other = self.rng.choice(self.vectors)
            name = self.new("v")
            self.emit(self.pick(f"{name} = {v}", f"{name} = {v}[:]", f"{v}, {other} = {other}, {v}", f"{name} = {v}[::-1]", f"{name} = {v}.T"))
            if name in self.lines[-1]:
                self.vectors.append(name)
        elif roll < 0.86:
            names = [self.new("s") for _ in range(self.length)]
            self.emit(f"{', '.join(names)} = {v}")
            self.scalars += names[:2]
        elif roll < 0.93 and depth:
            self.emit(f"if {self.scalar()} {self.pick('<', '>', '==')} {self.number()}:")
            self.block(depth - 1)
            if self.rng.random() < 0.4:
                self.emit("else:")
                self.block(depth - 1)
        elif depth and self.loops < 4:
            self.loop(depth - 1, self.pick(str(self.length), "len(p)", "3", f"len({v})"))
        else:
            self.emit(f"{v} = {self.vector()}")

    def block(self, depth):
        kept = list(self.vectors), list(self.matrices), list(self.scalars)
        self.indent += 1
        for _ in range(self.pick(1, 2, 3)):
            self.statement(depth)
        self.indent -= 1
        # Names that may be unbound are mostly not used.
        if self.rng.random() < 0.95:
            self.vectors, self.matrices, self.scalars = kept

    def loop(self, depth, turns):
        self.loops += 1
        name = self.new("i")
        if self.rng.random() < 0.15 and turns == "len(p)":
            row = self.new("v")
            self.emit(f"for {name}, {row} in enumerate(p):")
            self.vectors.append(row)
        else:
            self.emit(f"for {name} in range({turns}):")
        if self.rng.random() < 0.15:
            self.counters.append(name)
            item = self.new("s")
            over = self.pick(self.rng.choice(self.vectors), self.vector(1), "(1.0, 2.0, 0.5)", "[3, 1, 2]")
            self.lines[-1] = self.lines[-1][: self.indent * 4] + self.pick(f"for {item} in {over}:", f"for {name}, {item} in enumerate({over}):", f"for {name}, {item} in zip(range(9), {over}):")
            if name not in self.lines[-1]:
                self.counters.remove(name)
                name = None
            self.scalars.append(item)
            self.block(depth)
            if name:
                self.counters.remove(name)
            if self.rng.random() < 0.9:
                self.scalars.remove(item)
            return
        self.counters.append(name)
        self.block(depth)
        self.counters.remove(name)

    def array(self, shape, dtype=None):
        dtype = dtype or self.dtype
        count = 1
        for n in shape:
            count *= n
        scale = f" * {self.pick('0.5', '0.37', '1.25')}" if dtype[0] == "f" else ""
        text = f"(np.arange({count}) * {self.pick(3, 5, 7)} % 11 - {0 if dtype[0] == 'u' else 3}{scale}).astype('{dtype}').reshape({tuple(shape)})"
        if self.rng.random() < 0.15:
            text += self.pick("[::-1]", ".T" if len(set(shape)) == 1 else "[::-1]")
        return text

    def program(self):
        for line in ["import math", "import numpy as np", ""]:
            self.emit(line)
        self.emit(f"filter_warnings('{self.pick('default', 'always', 'ignore', 'error')}')")
        for line in ["def helper(a, b):", "    c = a * 2 - b", "    c[0] = 1", "    return c", "def twist(a):",
                     "    if a[0] > 0:", "        return a", "    return a + 1", "def blend(a, s=0.5, *, t=0):" if self.rng.random() < 0.2 else "def blend(a, s=0.5, t=0):", "    return a * s + t", ""]:  # fmt: skip
            self.emit(line)
        n = self.length
        outside = self.rng.random() < 0.15
        self.vectors, self.matrices, self.given = ["w0", "w1"], ["m0"], ["w0", "w1"]
        if outside:
            for name, shape in [("p", (5, n)), ("w0", (n,)), ("w1", (n,)), ("m0", (n, n))]:
                self.emit(f"{name} = {self.array(shape)}")
        else:
            self.emit("def f(p, w0, w1, m0, turns):")
            self.indent += 1
        for _ in range(self.pick(0, 1, 2)):
            self.statement(0)
        self.loop(self.pick(1, 2), "40" if outside else "turns")
        for _ in range(self.pick(0, 1)):
            self.statement(0)
        if outside:
            return "\n".join(self.lines) + "\n"
        self.emit("return locals()")
        self.indent -= 1
        shared = self.rng.random() < 0.2
        for at in range(self.pick(1, 2, 3)):
            dtype = self.dtype if at == 0 or self.rng.random() < 0.6 else self.rng.choice(DTYPES)
            p, w0, w1, m0 = (self.array(shape, dtype) for shape in [(5, n), (n,), (n,), (n, n)])
            if shared:
                self.emit(f"points = {p}")
                p, w0, w1 = "points", self.pick("points[1]", "points[0]", w0), self.pick("points[1]", "points[2][::-1]", w1)
            self.emit("try:")
            self.emit(f"    show('f', f({p}, {w0}, {w1}, {m0}, {self.pick(3, 12, 40)}))")
            self.emit("except Exception as error:")
            self.emit("    caught(error)")
        return "\n".join(self.lines) + "\n"


def program(seed):
    """The program of this seed."""
    return Small(seed).program()


if __name__ == "__main__":
    import sys

    print(program(int(sys.argv[1])), end="")

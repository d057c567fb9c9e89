"""Random programs about rows, columns and vectors that are too long to be values of a trace.

Names tell kinds: `a`, `b` matrices, `v`, `w` vectors as long as a row, `u` as long as a column, `s` scalars, `i`, `j`, `k` counters.
Views overlap in all ways, lengths differ now and then, and data holds what numpy reports.
"""

import random

DTYPES = ["f8"] * 8 + ["f4", "f4", "i8", "i8", "i4", "u1", "i2", "?", "f2", "c16", "c8"]
NUMBERS = ["0.5", "2", "-1", "1.5", "3", "0.25", "-0.75", "7", "np.float64(1.25)", "np.float32(0.5)", "np.int64(3)"]
ODD = ["0.0", "0", "math.inf", "math.nan", "1e308", "1e30", "2**40", "300", "True", "1j", "None"]
OPERATORS = ["+", "+", "-", "-", "*", "*", "/", "//", "%", "**", "&", "<<", "@"]


class Rows:
    def __init__(self, seed):
        self.rng = random.Random(f"rows {seed}")
        self.lines, self.indent, self.count = [], 0, 0
        self.rows, self.columns = self.rng.choice([(9, 70), (66, 66), (30, 80), (70, 5), (12, 130)])
        self.odd = self.rng.random() < 0.3
        self.dtypes = [self.rng.choice(DTYPES) for _ in range(2)]
        self.scalars, self.counters = ["s0"], []
        self.kept = self.rng.random() < 0.3

    def emit(self, line):
        self.lines.append("    " * self.indent + line)

    def pick(self, *options):
        return self.rng.choice(options)

    def number(self):
        return self.rng.choice(NUMBERS + self.scalars * 3 + (ODD if self.odd else []))

    def at(self, extent):
        """An index of an axis that long."""
        over = [name for name, n in self.counters if n == extent]
        if over and self.rng.random() < 0.8:
            name = self.rng.choice(over)
            return self.pick(name, name, name, name, f"{name} - 1", f"{extent} - 1 - {name}", f"({name} + 1) % {extent}", f"{name} // 2")
        return str(self.rng.randrange(-extent, extent + (self.rng.random() < 0.03)))

    def part(self):
        """A slice with its length taken from the same end each time, so that most go together."""
        if self.rng.random() < 0.7:
            return ":"
        counter = self.rng.choice([name for name, _ in self.counters] or ["2"])
        return self.pick("1:", ":-1", "::-1", "::2", f"{counter}:", f":{counter}", "1:-1", "2:", ":-2", "1::2", ":5")

    def place(self):
        """Something to assign to."""
        m = self.pick("a", "a", "b")
        return self.pick(
            f"{m}[{self.at(self.rows)}]", f"{m}[{self.at(self.rows)}]", f"{m}[{self.at(self.rows)}, {self.part()}]",
            f"{m}[{self.at(self.rows)}][{self.part()}]", f"{m}[:, {self.at(self.columns)}]", f"v[{self.part()}]", "w[:]", f"u[{self.part()}]",
            f"{m}[{self.part()}, {self.at(self.columns)}]", f"{m}[{self.at(self.rows)}, ...]",
        )  # fmt: skip

    def vector(self, like, depth=2):
        """An expression that goes with a place, most likely."""
        if depth <= 0 or self.rng.random() < 0.25:
            if self.rng.random() < 0.75:
                return self.along(like)
            return self.place()
        x = self.vector(like, depth - 1)
        y = self.pick(self.vector(like, depth - 1), self.number())
        return self.pick(
            f"({x} {self.rng.choice(OPERATORS)} {y})", f"({x} {self.pick('+', '-', '*')} {y})", f"({y} {self.pick('+', '-', '*', '/')} {x})",
            f"(-{x})", f"np.sqrt(abs({x}))", f"np.{self.pick('maximum', 'minimum', 'add', 'multiply')}({x}, {y})", f"({x} ** 2)",
            f"np.{self.pick('abs', 'sqrt', 'exp', 'negative', 'square', 'floor')}({x})", f"abs({x})", f"({x} < {y})", f"{x}.copy()",
        )  # fmt: skip

    def along(self, like):
        """Another place with the same parts, another row or column as a rule."""
        if like.startswith(("v", "w", "u")):
            return self.pick(like, like, "v" + like[1:], "w" + like[1:])
        head, rest = like[0], like[1:]
        if self.rng.random() < 0.5:
            old = rest[1 : rest.index("]")].split(", ")
            new = [self.at(self.rows if n == 0 else self.columns) if ":" not in x and "." not in x else x for n, x in enumerate(old)]
            rest = "[" + ", ".join(new) + rest[rest.index("]") :]
        return self.pick(head, "a", "b") + rest

    def statement(self, depth):
        kind = self.rng.random()
        place = self.place()
        if kind < 0.4:
            operator = self.pick("+", "-", "-", "*", "/", "//", "%", "**")
            self.emit(f"{place} {operator}= {self.pick(self.vector(place), self.number())}")
        elif kind < 0.75:
            self.emit(f"{place} = {self.pick(self.vector(place), self.vector(place), self.number())}")
        elif kind < 0.82:
            self.emit(f"s0 = {self.pick('a', 'b')}[{self.at(self.rows)}, {self.at(self.columns)}]{self.pick('', ' * 0.5', ' / 3')}")
        elif kind < 0.88:
            self.emit(f"s0 = {self.vector(place, 1)}{self.pick('.sum()', '.max()', '[0]', '.min()')}")
        elif kind < 0.92 and self.kept:
            self.emit(f"t = {self.vector(place)}")
            self.emit(f"{place} = {self.pick('t', 't * 2', 't + t')}")
        elif kind < 0.96 and depth:
            self.emit(f"if {self.pick('s0 > 1', *(f'{name} % 3 == 1' for name, _ in self.counters))}:")
            self.block(depth - 1)
            if self.rng.random() < 0.5:
                self.emit("else:")
                self.block(depth - 1)
        elif depth:
            self.loop(depth - 1)
        else:
            self.emit(f"r = {place}")
            self.emit(f"r[:] = {self.vector('v[:]', 1)}")

    def block(self, depth):
        self.indent += 1
        for _ in range(self.pick(1, 1, 2, 3)):
            self.statement(depth)
        self.indent -= 1

    def loop(self, depth):
        if len(self.counters) == 3:
            return self.emit("pass")
        name = "ijk"[len(self.counters)]
        extent = self.pick(self.rows, self.rows, self.columns)
        if self.counters and extent > 20:
            extent = self.pick(3, 5)
        start = self.pick("", "", "1, ") if not self.counters else self.pick("", f"{self.counters[0][0]} % {extent}, ")
        self.emit(f"for {name} in range({start}{extent}):")
        self.counters.append((name, extent if extent in (self.rows, self.columns) else self.rows))
        self.block(depth)
        self.counters.pop()

    def matrix(self, dtype):
        n, m = self.rows, self.columns
        scale = self.pick("0.37", "1", "0.01", "1e200" if self.odd else "0.1")
        base = f"(np.arange({n * m}) % {self.pick(7, 31, 101)} * {scale} - {self.pick(0, 1, 3)}).astype('{dtype}')"
        layout = self.pick(f".reshape({n}, {m})", f".reshape({n}, {m})", f".reshape({m}, {n}).T", f".reshape({n}, {m})[::-1]", f".reshape({n}, {m})[:, ::-1]")
        return base + layout

    def program(self):
        filters = self.pick("default", "default", "always", "ignore", "error")
        self.lines += ["import math", "import numpy as np", f"filter_warnings('{filters}')", ""]
        self.emit("def f(a, b, v, w, u, s0):")
        self.indent += 1
        for _ in range(self.pick(1, 2)):
            self.loop(2)
        self.emit("return locals()")
        self.indent -= 1
        self.emit("")
        x, y = self.dtypes
        shared = self.pick("b", "b", "a", "a[::-1]", "a.T" if self.rows == self.columns else "b")
        for _ in range(self.pick(1, 2)):
            self.emit(f"a = {self.matrix(x)}")
            self.emit(f"b = {self.matrix(y)}")
            n = self.columns
            vector = f"(np.arange({n}) * {self.pick('0.5', '1', '3')} - 2).astype('{self.pick(x, y)}')"
            self.emit(f"v, w, u = {vector}, {self.pick(vector, 'a[1]', 'b[0]')}, {self.pick('a[:, 0]', f'np.arange({self.rows}) * 0.5')}")
            self.emit("try:")
            self.emit(f"    show('f', f(a, {shared}, v, {self.pick('w', 'w', 'v[::-1]')}, u, {self.pick('0.5', 'np.float64(2)', '3')}))")
            self.emit("except Exception as error:")
            self.emit("    caught(error)")
            x = self.rng.choice(DTYPES)
        return "\n".join(self.lines) + "\n"


def program(seed):
    """The program of this seed."""
    return Rows(seed).program()

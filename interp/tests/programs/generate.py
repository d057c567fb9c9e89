"""Random programs with loops, for comparing ways to run them.

A program defines a few globals, helpers and functions with loops, calls the functions with several kinds of arguments, and
may loop at module level. It imports nothing but `math`, `sys` and `numpy` and ends after a bounded number of turns: `while`
loops count, products of trip counts are limited, and integer variables grow at most by a factor of two in a turn.

Kinds of variables are tracked only to make most operations succeed; they may be wrong, which costs an exception that
everybody must raise alike. What makes programs differ from each other most are their *traits*, drawn at the start: a
program without edgy indices runs all its loops to the end, one with them finds out what happens at an array's border.
"""

import random

#: Weighted: what numerical programs use, then everything else numpy counts with.
DTYPES = ["f8"] * 6 + ["i8"] * 4 + ["f4", "i4", "u1", "i1", "u2", "i2", "u4", "u8", "f2", "c16", "c8", "?"]
MODULI = ["1000003", "97", "2**31", "(2**63 - 25)", "2**64", "(2**70 + 9)", "255"]
INTS = ["0", "1", "2", "3", "5", "7", "-1", "-2", "-3", "10", "100", "255", "256", "1000"]
WIDE_INTS = ["2**31", "(2**53 + 1)", "2**62", "(2**63 - 1)", "(-2**63)", "2**64", "2**40"]
FLOATS = ["0.5", "1.5", "-2.25", "0.1", "3.0", "1e3", "-1.0", "2.0", "1e-3", "0.0"]
ODD_FLOATS = ["-0.0", "1e308", "5e-324", "math.inf", "-math.inf", "math.nan", "1e-310", "1e22", "2.0**53"]
MATH = ["sqrt(abs({}))", "sin({})", "cos({})", "fabs({})", "floor({})", "atan({})", "tanh({})", "copysign(1.5, {})",
        "exp(-abs({}))", "log(abs({}) + 1.0)", "hypot({}, 2.0)", "isnan({})", "trunc({})"]  # fmt: skip
#: Whose results IEEE or numpy fixes to the bit.
NUMPY_EXACT = ["sqrt(abs({}))", "abs({})", "floor({})", "negative({})", "minimum({}, 1.5)", "maximum({}, 0)", "sign({})",
               "isfinite({})", "add({}, 1)", "multiply({}, 2)", "square({})", "rint({})"]  # fmt: skip
TRAITS = {
    "edgy_index": 0.2,
    "zero_division": 0.2,
    "wide_ints": 0.3,
    "odd_floats": 0.3,
    "complex": 0.15,
    "numpy_scalars": 0.35,
    "change": 0.4,
    "aliases": 0.35,
    "closure": 0.2,
    "globals": 0.4,
    "objects": 0.25,
    "lists": 0.25,
    "try": 0.2,
    "arrays_whole": 0.3,
    "tiny": 0.15,
    "strings": 0.1,
    "calls": 0.4,
    "odd_arrays": 0.2,
    "generators": 0.1,
    "visible": 0.15,
    "mistakes": 0.1,
    "errstate": 0.12,
    "small_arrays": 0.2,
    "straight": 0.25,
    "constructs": 0.3,
    "powers": 0.2,
    "foreign": 0.1,
}
#: Functions of the C library, with the kinds of their arguments.
FOREIGN = {"fmax": "dd", "cosf": "f", "fabs": "d", "labs": "l", "abs": "i", "fma": "ddd", "toupper": "i"}

BESIDES = {"objects", "lists", "try", "arrays_whole", "strings", "calls", "generators", "visible", "mistakes", "errstate", "complex",
          "constructs"}  # fmt: skip


class Generator:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.traits = {name for name, p in TRAITS.items() if self.rng.random() < p}
        self.lines = []
        self.indent = 0
        #: Name -> kind: "int", "float", "bool", "complex", "scalar", "str", "list", "object", or (dtype, axes).
        self.kinds = {}
        self.fixed = set()
        self.cells = []
        self.globals = {}
        self.helpers = []
        self.turns = 1
        self.loops = 0
        self.in_function = False
        self.fresh = 0

    # Small things.

    def has(self, trait):
        # Some programs are nothing but arithmetic on numbers and elements: what is compiled as a whole.
        if trait in BESIDES and "straight" in self.traits:
            return False
        return trait in self.traits

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, *options):
        return self.rng.choice(options)

    def emit(self, line):
        self.lines.append("    " * self.indent + line)

    def names(self, *kinds):
        return [n for n, kind in self.kinds.items() if kind in kinds]

    def arrays(self, axes=None):
        return [n for n, k in self.kinds.items() if isinstance(k, tuple) and (axes is None or k[1] == axes)]

    def writable(self, *kinds):
        return [n for n in self.names(*kinds) if n not in self.fixed]

    def new(self, stem="v"):
        self.fresh += 1
        return f"{stem}{self.fresh}"

    # Expressions.

    def integer(self, depth=2):
        names = self.names("int")
        if depth <= 0 or self.chance(0.3):
            if names and self.chance(0.75):
                return self.rng.choice(names)
            return self.rng.choice(INTS + (WIDE_INTS if self.has("wide_ints") else []))
        a, b = self.integer(depth - 1), self.integer(depth - 1)
        if self.has("powers") and self.chance(0.1):
            return self.pick(f"({a} % 11 - 5) ** ({b} & 7)", f"(({a} ** ({b} % 5 - {self.pick(0, 0, 1)})) % 1009)", f"(2 ** ({b} & 63))")
        if self.has("foreign") and self.chance(0.1):
            return self.foreign("labs", "abs", "toupper", depth=depth)
        match self.rng.randrange(13):
            case 0 | 1:
                return f"({a} + {b})"
            case 2:
                return f"({a} - {b})"
            case 3:
                return f"({a} * {b} % {self.rng.choice(MODULI)})"
            case 4:
                return f"({a} {self.pick('&', '|', '^')} {b})"
            case 5:
                divisor = b if self.has("zero_division") else f"({b} & 7 | 1)"
                return f"({a} {self.pick('//', '%')} {divisor})"
            case 6:
                shift = f"({b} % 70 - 2)" if self.has("edgy_index") and self.chance(0.3) else f"({b} & 15)"
                return self.pick(f"({a} >> {shift})", f"(({a} << {shift}) % {self.rng.choice(MODULI)})")
            case 7:
                return self.pick(f"(-{a})", f"(~{a})", f"abs({a})", f"(+{a})")
            case 8:
                odd = [] if self.has("straight") else [f"divmod({a}, 7)[1]", f"pow({a}, 3, 1009)", f"({a}).bit_length()", f"int({a} > 3)"]
                return self.pick(f"min({a}, {b})", f"max({a}, {b})", *odd)
            case 9:
                if arrays := self.arrays():
                    array = self.rng.choice(arrays)
                    return self.pick(f"len({array})", f"{array}.size", f"{array}.shape[0]", f"{array}.ndim")
                return a
            case 10:
                return f"({a} if {self.condition(depth - 1)} else {b})"
            case 11:
                return self.pick(f"int({self.real(depth - 1)})", f"round({a} / 3.0)", f"int({a} / 3.0)", f"math.floor({a} / 4)")
            case _:
                return self.call("int", depth) or f"({a} * 3 - {b})"

    def real(self, depth=2):
        names = self.names("float")
        if depth <= 0 or self.chance(0.25):
            if names and self.chance(0.75):
                return self.rng.choice(names)
            return self.rng.choice(FLOATS + (ODD_FLOATS if self.has("odd_floats") else []))
        a = self.real(depth - 1)
        b = self.rng.choice([self.real, self.real, self.integer, self.element])(depth - 1)
        if self.has("foreign") and self.chance(0.15):
            return self.foreign("fmax", "cosf", "fabs", "fma", depth=depth)
        match self.rng.randrange(12):
            case 0 | 1:
                return f"({a} + {b})"
            case 2:
                return f"({a} - {b})"
            case 3 | 4:
                return f"({a} * {b})"
            case 5:
                divisor = b if self.has("zero_division") else f"({b} * {b} + 1.0)"
                return f"({a} {self.pick('/', '/', '//', '%')} {divisor})"
            case 6:
                return self.pick(f"(-{a})", f"abs({a})", f"min({a}, {b})", f"max({a}, {b})", f"({a}) ** 2")
            case 7:
                return "math." + self.rng.choice(MATH).format(a)
            case 8:
                return f"({a} if {self.condition(depth - 1)} else {b})"
            case 9:
                return f"float({self.integer(depth - 1)})"
            case 10:
                return self.call("float", depth) or f"({a} * 0.5 + {b})"
            case _:
                return self.element(depth - 1)

    def foreign(self, *names, depth):
        """A call of a C function, mostly with arguments that it takes."""
        name = self.rng.choice(names)
        some = [self.integer, self.element] if FOREIGN[name][0] in "il" else [self.real, self.real, self.integer, self.element]
        args = [self.rng.choice(some)(depth - 1) for _ in FOREIGN[name]]
        return f"{self.pick('c_', 'clib.')}{name}({', '.join(args)})"

    def condition(self, depth=1):
        some = self.rng.choice([self.integer, self.real, self.element])
        a, b = some(depth - 1), self.rng.choice([self.integer, self.real])(depth - 1)
        compare = self.pick("<", "<=", ">", ">=", "==", "!=")
        match self.rng.randrange(9):
            case 0 | 1 | 2:
                return f"{a} {compare} {b}"
            case 3:
                return f"{self.rng.choice(INTS)} {self.pick('<', '<=')} {a} {compare} {b}"
            case 4 if depth > 0:
                return f"({self.condition(depth - 1)} {self.pick('and', 'or')} {self.condition(depth - 1)})"
            case 5 if depth > 0:
                return f"not {self.condition(depth - 1)}"
            case 6:
                return self.rng.choice(self.names("bool") or [f"{a} {compare} {b}"])
            case 7:
                return f"{self.integer(1)} % {self.pick(2, 3, 5)} == {self.pick(0, 1)}"
            case _:
                return f"({a})" if self.chance(0.3) else f"{a} {compare} {b}"

    def element(self, depth=1):
        """An item of an array, else of a list, else a number."""
        arrays = self.arrays()
        if self.has("lists") and self.chance(0.3) and (lists := self.names("list")):
            name = self.rng.choice(lists)
            return f"{name}[{self.index(name, 0, depth)}]"
        if not arrays:
            return self.real(depth - 1)
        return self.item(self.rng.choice(arrays), depth, reading=True)

    def item(self, array, depth=1, reading=False):
        axes = self.kinds[array][1]
        if axes == 0:
            return f"{array}[()]"
        indices = [self.index(array, axis, depth) for axis in range(axes)]
        if axes == 1 and reading and self.chance(0.04):
            return self.pick(f"{array}.item({indices[0]})", f"{array}.flat[{indices[0]}]", f"{array}.real[{indices[0]}]")
        return array + ("[" + "][".join(indices) + "]" if self.chance(0.1) else "[" + ", ".join(indices) + "]")

    def index(self, array, axis, depth=1):
        length = f"len({array})" if axis == 0 else f"{array}.shape[{axis}]"
        names = self.names("int")
        # A loop variable over this very axis needs no modulus.
        over = [n for n in names if (array, axis) in self.bounds.get(n, ())]
        if over and self.chance(0.65):
            return self.rng.choice(over)
        if over and self.chance(0.5):
            name = self.rng.choice(over)
            return self.pick(f"{name} - 1", f"-{name}", f"{length} - 1 - {name}", f"-1 - {name}", f"{name} // 2")
        if self.has("edgy_index") and self.chance(0.25):
            return self.integer(1)
        if self.has("mistakes") and self.chance(0.03):
            return self.pick("1.0", "None", "'x'", "True", "np.int8(1)", "(0,)")
        if self.chance(0.2):
            return self.pick("0", "-1")
        return f"({self.integer(depth - 1)}) % {length}"

    def complex_number(self, depth=2):
        names = self.names("complex")
        if depth <= 0 or self.chance(0.3):
            return self.rng.choice(names or ["1j", "(0.5 - 2j)", "(1.5 + 0j)"])
        a, b = self.complex_number(depth - 1), self.rng.choice([self.complex_number, self.real])(depth - 1)
        divisor = b if self.has("zero_division") else f"(abs({b}) + 1.0)"
        return self.pick(f"({a} + {b})", f"({a} * {b} * 0.1)", f"({a} - {b})", f"{a}.conjugate()", f"({a} / {divisor})")

    def scalar(self, depth=2):
        """A numpy scalar, most likely."""
        names = self.names("scalar")
        if depth <= 0 or self.chance(0.3):
            if names and self.chance(0.7):
                return self.rng.choice(names)
            dtype = self.rng.choice(["int8", "uint8", "int16", "int32", "int64", "uint64", "float16", "float32"] + ["float64"] * 4)
            return f"np.{dtype}({self.pick('1', '3', '100', '7')})"
        a = self.scalar(depth - 1)
        b = self.rng.choice([self.scalar, self.element, self.integer, self.real])(depth - 1)
        match self.rng.randrange(7):
            case 0 | 1 | 2:
                return f"({a} {self.pick('+', '-', '*')} {b})"
            case 3:
                return "np." + self.rng.choice(NUMPY_EXACT).format(a)
            case 4:
                divisor = b if self.has("zero_division") else f"(abs({b}) + 1)"
                return f"({a} {self.pick('/', '//', '%')} {divisor})"
            case 5:
                return self.pick(f"(-{a})", f"abs({a})", f"max({a}, {b})")
            case _:
                return self.element(depth - 1)

    def call(self, kind, depth):
        helpers = [h for h in self.helpers if h[1] == kind]
        if not helpers or not self.has("calls"):
            return None
        name, _, count = self.rng.choice(helpers)
        return f"{name}({', '.join(self.pick(self.integer, self.real)(depth - 1) for _ in range(count))})"

    def value(self, kind, depth=2):
        match kind:
            case "int":
                return self.integer(depth)
            case "float":
                return self.real(depth)
            case "bool":
                return f"({self.condition(depth)})"
            case "complex":
                return self.complex_number(depth)
            case "scalar":
                return self.scalar(depth)
            case "str":
                return self.pick("'a'", f"str({self.integer(1)})", f"f'{{{self.real(1)}:.3g}}'", "'xyz'")
            case "list":
                return f"[{', '.join(self.value(self.pick('int', 'float'), 1) for _ in range(self.pick(1, 3, 5)))}]"
            case "object":
                return f"Thing({self.integer(1)}, {self.real(1)})"
        return self.array(*kind)

    def array(self, dtype, axes):
        """A new array of this dtype and number of axes, in one of many layouts."""
        rng = self.rng
        lengths = [rng.choice([3, 4, 5, 8] if axes > 1 else [5, 8, 20, 30]) for _ in range(axes)]
        if self.has("odd_arrays") and self.chance(0.15):
            lengths = [n * self.pick(0, 1) for n in lengths]
        layout = self.pick("plain", "plain", "plain", "reversed", "stepped", "transposed") if axes else "plain"
        if self.has("odd_arrays") and self.chance(0.3):
            layout = self.pick("swapped", "unaligned", "broadcast", "locked") if axes else "plain"
        whole = [2 * n for n in lengths] if layout == "stepped" else lengths[::-1] if layout == "transposed" else lengths
        count = 1
        for n in whole:
            count *= n
        start = f"np.arange({count})"
        numbers = self.pick(f"({start} * 7 % 11 - {0 if dtype[0] in 'u?' else 3})", f"({start} * 5 % 8)")
        if dtype[0] in "fc":
            numbers = f"{numbers} * {self.pick('0.5', '0.37', '1.25')}"
        code = ">" + dtype if layout == "swapped" and dtype[-1] not in "1?" else dtype
        text = f"({numbers}).astype('{code}')"
        if axes != 1:
            text += f".reshape({tuple(whole)})"
        match layout:
            case "reversed":
                return text + "[" + ", ".join(self.pick("::-1", ":") for _ in lengths) + "]"
            case "stepped":
                return text + "[" + ", ".join("::2" for _ in lengths) + "]"
            case "transposed":
                return text + ".T"
            case "unaligned":
                return f"np.zeros({tuple(lengths)}, [('pad', 'u1'), ('x', '{dtype}')])['x']"
            case "broadcast":
                return f"np.broadcast_to(np.ones((), '{dtype}'), {tuple(lengths)})"
        return text

    # Statements.

    def block(self, depth, count):
        """Statements one level deeper; names that only they bind are forgotten afterwards, mostly."""
        before = dict(self.kinds)
        self.indent += 1
        size = len(self.lines)
        for _ in range(count):
            self.statement(depth)
        if len(self.lines) == size:
            self.emit("pass")
        self.indent -= 1
        if self.chance(0.95):
            for name in list(self.kinds):
                if name not in before:
                    del self.kinds[name]

    def statement(self, depth):
        table = [
            (self.assign, 6),
            (self.augment, 6),
            (self.store, 8 if self.arrays() else 0),
            (self.branch, 4 if depth else 0),
            (self.loop, 4 if depth and self.turns < 600 else 0),
            (self.leave, 1.2 if self.loops else 0),
            (self.swap, 1.5),
            (self.change, 1.2 if self.has("change") and self.loops else 0),
            (self.cell, 2 if self.cells else 0),
            (self.outer, 2 if self.has("globals") and self.globals else 0),
            (self.thing, 3 if self.has("objects") else 0),
            (self.listing, 3 if self.has("lists") else 0),
            (self.protect, 1.5 if self.has("try") and depth else 0),
            (self.whole, 4 if self.has("arrays_whole") and self.arrays() else 0),
            (self.look, 0.7 if self.has("visible") else 0),
            (self.guarded, 1 if self.has("errstate") and depth else 0),
            (self.small, 3 if self.has("small_arrays") else 0),
            (self.rare, 0.8),
            (self.construct, 3 if self.has("constructs") else 0),
        ]
        self.rng.choices([f for f, _ in table], [w for _, w in table])[0](depth)

    def kind(self):
        options = ["int", "int", "int", "float", "float", "float", "bool"]
        for trait, kind in [("complex", "complex"), ("numpy_scalars", "scalar"), ("strings", "str")]:
            options += [kind] * 2 if self.has(trait) else []
        return self.rng.choice(options)

    def assign(self, depth):
        kind = self.kind()
        names = self.writable(kind)
        if self.has("change") and self.chance(0.1):
            names = self.writable("int", "float", "scalar", "bool")
        name = self.rng.choice(names) if names and self.chance(0.7) else self.new()
        if self.chance(0.12):
            second, other = self.new(), self.kind()
            self.emit(f"{name}, {second} = {self.value(kind)}, {self.value(other)}")
            self.kinds[second] = other
        elif self.chance(0.08):
            second = self.new()
            self.emit(f"{name} = {second} = {self.value(kind)}")
            self.kinds[second] = kind
        elif kind in ("float", "scalar") and self.arrays() and self.chance(0.4):
            kind = "scalar"
            self.emit(f"{name} = {self.element(2)}")
        else:
            self.emit(f"{name} = {self.value(kind)}")
        self.kinds[name] = kind

    def augment(self, depth):
        names = self.writable("int", "float", "complex", "scalar")
        if not names:
            return self.assign(depth)
        name = self.rng.choice(names)
        match self.kinds[name]:
            case "int":
                op = self.pick("+=", "+=", "-=", "^=", "|=", "&=", "//=", "%=", ">>=")
                value = self.integer(1)
                if op in ("//=", "%=") and not self.has("zero_division"):
                    value = f"({value} & 7 | 1)"
                if op == ">>=":
                    value = f"({value} & 3)"
                if self.chance(0.15):
                    op, value = "+=", self.element(1)
                    self.kinds[name] = "scalar"
            case "float":
                op, value = self.pick("+=", "+=", "-=", "*=", "/="), self.pick(self.real, self.element, self.integer)(1)
                if op == "/=" and not self.has("zero_division"):
                    value = f"(abs({value}) + 1.0)"
                if op == "*=" and not self.has("odd_floats"):
                    value = f"math.cos({value})"
            case "complex":
                op, value = self.pick("+=", "-="), self.complex_number(1)
            case _:
                op, value = self.pick("+=", "-=", "*="), self.pick(self.scalar, self.element)(1)
        self.emit(f"{name} {op} {value}")

    def store(self, depth):
        array = self.rng.choice(self.arrays())
        dtype = self.kinds[array][0]
        maker = {"i": [self.integer, self.integer, self.element], "u": [self.integer, self.element], "?": [self.condition]}
        value = self.rng.choice(maker.get(dtype[0], [self.real, self.real, self.element, self.integer]))(2)
        if dtype[0] in "iu" and self.chance(0.75):
            # In the range of the dtype, mostly: what isn't raises.
            value = f"({value}) % {self.pick(50, 100, 120)}"
        if self.has("mistakes") and self.chance(0.05):
            value = self.pick("'x'", "None", "1j", "[1, 2]", "math.nan", "2**65", "-1")
        op = self.pick("=", "=", "=", "+=", "-=", "*=") if dtype != "?" else self.pick("=", "|=", "^=")
        self.emit(f"{self.item(array)} {op} {value}")

    def branch(self, depth):
        self.emit(f"if {self.condition(2)}:")
        self.block(depth - 1, self.pick(1, 1, 2))
        while self.chance(0.25):
            self.emit(f"elif {self.condition(2)}:")
            self.block(depth - 1, 1)
        if self.chance(0.5):
            self.emit("else:")
            self.block(depth - 1, self.pick(1, 2))

    def loop(self, depth):
        turns = self.pick(0, 1, 2) if self.chance(0.1) else self.pick(7, 12, 20, 45, 60) if self.loops == 0 else self.pick(3, 6, 9, 15)
        arrays = self.arrays()
        name = self.new("i")
        counter = None
        bound = ()
        match self.rng.randrange(14):
            case 0 | 1:
                header = f"for {name} in range({turns}):"
            case 2:
                other = self.new("z")
                iterable = self.pick(f"reversed(range({turns}))", f"range({turns})[::-1]", f"enumerate(range({turns}), 2)",
                                     f"zip(range({turns}), range(5, 90))", f"list(range({turns}))", "(4, 1.5, 2, 9, -3)")  # fmt: skip
                if iterable.startswith(("enumerate", "zip")):
                    name = self.pick(f"{name}, {other}", f"({name}, {other})")
                    self.kinds[other] = "int"
                header = f"for {name} in {iterable}:"
                name = name.strip("(").split(",")[0]
            case 12:
                counter = self.new("k")
                self.emit(f"{counter} = -1")
                self.kinds[counter] = "int"
                self.emit("while True:")
                self.emit(f"    if {counter} >= {turns}:")
                self.emit("        break")
                return self.body(depth, counter, "int", turns, (), counter)
            case 3 | 4 | 5 if arrays:
                array = self.rng.choice(arrays)
                axes = self.kinds[array][1]
                if axes:
                    axis = self.rng.randrange(axes)
                    bound = ((array, axis),)
                    length = f"len({array})" if axis == 0 and self.chance(0.5) else f"{array}.shape[{axis}]"
                    header = f"for {name} in range({self.pick('', '', '1, ')}{length}):"
                    turns = 30 if axes == 1 else 8
                else:
                    header = f"for {name} in range({turns}):"
            case 6:
                stop, step = self.pick((turns, 1), (-turns, -1), (2 * turns, 2), (-3 * turns, -3))
                header = f"for {name} in range({self.pick(0, 1, -1)}, {stop}, {step}):"
            case 7 if arrays:
                array = self.rng.choice(arrays)
                axes = self.kinds[array][1]
                kind = "scalar" if axes == 1 else (self.kinds[array][0], axes - 1)
                turns = 30 if axes == 1 else 8
                item = self.new("x")
                match self.rng.randrange(4):
                    case 0:
                        header = f"for {name}, {item} in enumerate({array}):"
                    case 1:
                        header = f"for {name}, {item} in zip(range({turns}), {array}):"
                    case _:
                        header = f"for {item} in {array}:"
                        name = item
                if axes:
                    self.emit(header)
                    self.kinds[item] = kind
                    return self.body(depth, name, kind if name == item else "int", turns, (), None)
                header = f"for {name} in range({turns}):"
            case 8 if self.has("generators"):
                header = f"for {name} in numbers({turns}):"
            case 9 if self.has("lists") and self.names("list"):
                header = f"for {name} in {self.rng.choice(self.names('list'))}[:20]:"
                turns = 20
            case 10 if (limits := self.names("int")):
                header = f"for {name} in range(({self.rng.choice(limits)}) % {turns + 1}):"
            case 11:
                counter = self.new("k")
                self.emit(f"{counter} = 0")
                header = f"while {counter} < {turns}{self.pick('', '', f' and {self.condition(1)}')}:"
                self.kinds[counter] = "int"
            case _:
                header = f"for {name} in range({turns}):"
        self.emit(header)
        self.body(depth, counter or name, "int", turns, bound, counter)

    def body(self, depth, name, kind, turns, bound, counter):
        outer, self.turns = self.turns, self.turns * max(1, turns)
        fixed = set(self.fixed)
        self.kinds[name] = kind
        if counter or self.chance(0.9):
            self.fixed.add(name)
        self.bounds[name] = bound
        self.loops += 1
        if counter:
            self.indent += 1
            self.emit(f"{counter} += 1")
            self.indent -= 1
        self.block(depth - 1, self.pick(1, 2, 3, 4))
        self.loops -= 1
        self.turns, self.fixed = outer, fixed
        if self.chance(0.1):
            self.emit("else:")
            self.block(0, 1)

    def leave(self, depth):
        self.emit(f"if {self.condition(2)} and {self.integer(1)} % {self.pick(7, 13, 31)} == 3:")
        ways = ["break", "continue", "continue"]
        if self.in_function and self.chance(0.15):
            ways.append(f"return {self.value(self.kind(), 1)}")
        if self.has("mistakes") and self.chance(0.2):
            ways.append("raise ValueError('odd')")
        self.emit("    " + self.rng.choice(ways))

    def swap(self, depth):
        arrays = self.arrays()
        if arrays and self.chance(0.6):
            array = self.rng.choice(arrays)
            a, b = self.item(array), self.item(array)
            self.emit(f"{a}, {b} = {b}, {a}")
        elif len(names := self.writable("int", "float", "scalar")) > 1:
            a, b = self.rng.sample(names, 2)
            self.emit(f"{a}, {b} = {b}, {a}")
            self.kinds[a], self.kinds[b] = self.kinds[b], self.kinds[a]

    def change(self, depth):
        """Something that was the same for many turns becomes another thing."""
        counters = [n for n in self.names("int") if n in self.fixed]
        if not counters:
            return
        self.emit(f"if {self.rng.choice(counters)} == {self.pick(5, 8, 11, 17, 29)}:")
        names = self.writable("int", "float", "scalar", "bool")
        arrays = [a for a in self.arrays() if a not in self.fixed and self.kinds[a][1]]
        ways = [f"{n} = {v}" for n in names[:3] for v in ("float(" + n + ")", self.value("int", 1), self.value("float", 1),
                f"np.float32({n})", f"bool({n})", f"{n} + 2**63", f"{n} + 1j", f"np.int64({n})", "None" if self.has("mistakes") else n)]  # fmt: skip
        for a in arrays[:3]:
            dtype = self.rng.choice(DTYPES)
            ways += [f"{a} = {a}.astype('{dtype}')", f"{a} = {a}[::-1]", f"{a} = {a}.copy()", f"{a} = {a} * 2"]
            ways += [f"{a} = {a}[1:]", f"{a} = {a}.T", f"{a} = {a}.tolist()", f"{a}.flags.writeable = False"]
        if self.has("globals") and self.globals:
            name = self.rng.choice(list(self.globals))
            ways += [f"globals()['{name}'] = {self.value('float', 1)}", f"globals()['{name}'] = {self.value('int', 1)}"]
        if self.helpers:
            name = self.rng.choice(self.helpers)[0]
            ways += [f"globals()['{name}'] = lambda *args: len(args) * 1.5"]
        self.emit("    " + self.rng.choice(ways or ["pass"]))

    def cell(self, depth):
        name = self.rng.choice(self.cells)
        self.emit(self.pick(f"{name} += {self.integer(1)}", f"{name} = {self.integer(1)}", "bump()", f"{self.new()} = bump() + {name}"))

    def outer(self, depth):
        name = self.rng.choice(list(self.globals))
        kind = self.globals[name]
        if isinstance(kind, tuple):
            return self.store(depth)
        value = self.value(kind, 1)
        target = name if name in self.declared or not self.in_function else None
        if target:
            self.emit(self.pick(f"{target} = {value}", f"{target} += {value}"))
        else:
            self.emit(f"{self.new()} = {name}")

    def thing(self, depth):
        objects = self.names("object")
        if not objects or self.chance(0.15):
            name = self.new("o")
            self.emit(f"{name} = {self.value('object')}")
            self.kinds[name] = "object"
            return
        o = self.rng.choice(objects)
        self.emit(self.pick(
            f"{o}.n += {self.integer(1)}",
            f"{o}.x = {self.real(1)}",
            f"{o}.x += {o}.n",
            f"{o}.step({self.integer(1)})",
            f"{o} = {o}.twin()",
            f"{o}.n = {o}.size % 1000",
            f"{o} = {o} + {self.rng.choice(objects)}",
        ))  # fmt: skip

    def listing(self, depth):
        lists = self.names("list")
        if not lists or self.chance(0.15):
            name = self.new("l")
            self.emit(f"{name} = {self.value('list')}")
            self.kinds[name] = "list"
            return
        name = self.rng.choice(lists)
        item = self.value(self.pick("int", "float", "float"), 1)
        self.emit(self.pick(
            f"{name}.append({item})",
            f"{name}[{self.index(name, 0)}] = {item}",
            f"{name}[{self.index(name, 0)}] += {item}",
            f"{name} = [z * 2 for z in {name}[:9] if z != 3]",
            f"{name} = {name}[1:] + [{item}]",
            f"{self.new()} = sum({name})",
            f"{self.new()} = sorted({name}, key=abs)[0]",
            f"{self.new()} = {item} in {name}",
        ))  # fmt: skip

    def protect(self, depth):
        self.emit("try:")
        self.block(depth - 1, self.pick(1, 2))
        if self.chance(0.8):
            kinds = "(ZeroDivisionError, IndexError, OverflowError, TypeError, ValueError)"
            self.emit(f"except {self.pick('ArithmeticError', 'Exception', kinds)} as error:")
            self.emit("    caught(error)" if self.chance(0.6) else "    pass")
            if self.chance(0.3):
                self.emit("else:")
                self.block(0, 1)
        else:
            self.emit("finally:")
            self.block(0, 1)

    def whole(self, depth):
        """Statements about arrays as wholes."""
        array = self.rng.choice(self.arrays())
        dtype, axes = self.kinds[array]
        same = [a for a in self.arrays(axes) if a != array]
        other = self.rng.choice(same) if same and self.has("mistakes") else array
        number = self.value(self.pick("int", "float"), 1) if dtype[0] not in "iu?" else self.rng.choice(INTS[:6])
        name = self.new("w")
        rest = ", :" * (axes - 1)
        ways = [f"{name} = {array} + {other}", f"{name} = {array} * {number}", f"{name} = ({array} - {other}) * {number} + {array}"]
        ways += [f"{name} = {array}.sum()", f"{name} = {array}.max(initial=0)", f"{name} = ({array} > {number}).sum()"]
        ways += [f"{name} = np.where({array} > {number}, {array}, {other})", f"{name} = abs({array})"]
        ways += [f"{name} = np.zeros_like({array})"]
        if array not in self.fixed:
            ways += [f"{array} = {array} + {number}", f"{array} = {array} - {other}"]
        if axes:
            ways += [f"{array}[1:{rest[1:] if rest else ''}] = {array}[:-1{rest}]" if not rest else f"{array}[1:] = {array}[:-1]"]
            ways += [f"{array}[::-1] += {array}", f"{array}[1:] += {array}[:-1]", f"{array} += {number}", f"{array} *= {array}"]
            ways += [f"{array}[1:-1] = 0.5 * ({array}[:-2] + {array}[2:])", f"{array}[...] = {number}"]
            if dtype[0] == "f":
                ways += [f"{array}[{array} > 2.0] = 1.0"]
        line = self.rng.choice(ways)
        self.emit(line)
        if line.startswith(name):
            self.kinds[name] = "scalar" if ".sum()" in line or ".max(" in line else ("?" if ">" in line.split("=")[1] and "where" not in line else dtype, axes)

    def guarded(self, depth):
        what = self.pick("divide", "over", "under", "invalid", "all")
        self.emit(f"with np.errstate({what}={self.pick('ignore', 'raise', 'warn')!r}):")
        self.block(depth - 1, self.pick(1, 2))

    def small(self, depth):
        """Arrays of a few elements that mostly live for a turn."""
        arrays = [n for n in self.names(("f8", 1)) if n[0] == "q"]
        if not arrays or self.chance(0.3):
            name = self.new("q")
            rows = [a for a in self.arrays(2) if self.kinds[a][0] == "f8"]
            if rows and self.chance(0.4):
                row = self.rng.choice(rows)
                self.emit(f"{name} = {row}[{self.index(row, 0)}]{self.pick('', '.copy()', '[:3]', ' * 0.5')}")
            else:
                items = ", ".join(self.rng.choice([self.real, self.real, self.element])(1) for _ in range(3))
                self.emit(f"{name} = np.array([{items}]{self.pick('', '', ', dtype=float', ', np.float64')})")
            self.kinds[name] = ("f8", 1)
            return
        q, other = self.rng.choice(arrays), self.rng.choice(arrays)
        number, name, new = self.real(1), self.new(), self.new("q")
        line = self.pick(
            f"{new} = {q} + {other}",
            f"{new} = {q} * {number} - {other}",
            f"{new} = {q} / (abs({other}) + 1.0)",
            f"{new} = -{q}",
            f"{q} += {other} * 0.5",
            f"{q} -= {number}",
            f"{q}[{self.pick(0, 1, -1)}] = {number}",
            f"{name} = {q}[0] * {other}[-1] - {q}[1]",
            f"{name} = ({q} * {other}).sum()",
            f"{name} = {q}.max() - {q}.min()",
            f"{name} = ({q} < {number}).any()",
            f"{new} = np.minimum({q}, {other})",
            f"{q} = {other}",
            f"{new} = {q}[::-1] * {number}",
        )
        self.emit(line)
        made, plain = line.split()[0], " = " in line
        if plain and made.isidentifier():
            self.kinds[made] = ("f8", 1) if made[0] == "q" else "scalar"

    def look(self, depth):
        """Let somebody outside see the state in the middle."""
        names = [n for n, kind in self.kinds.items() if kind in ("int", "float", "scalar")]
        if self.chance(0.5):
            self.emit("here()")
        elif names:
            self.emit(f"if {self.integer(1)} % 11 == 0: show({self.rng.choice(names)!r}, {self.rng.choice(names)})")

    def rare(self, depth):
        names = self.writable("int", "float", "scalar", "bool")
        arrays = self.arrays()
        ways = [f"assert {self.integer(1)} % 41 != 40, 'odd'"]
        if names:
            name = self.rng.choice(names)
            ways += [f"{self.new()} = type({name}).__name__", f"{self.new()} = isinstance({name}, (int, float))"]
            ways += [f"{self.new()} = {name} is {name}", f"{self.new()} = ({name}, {self.rng.choice(names)})", f"{self.new()} = -{name} if {name} else {name}"]
        if arrays:
            array = self.rng.choice(arrays)
            ways += [f"{self.new()} = {array}.dtype", f"{self.new()} = {array}.T.shape", f"{self.new()} = {array}[...]"]
            if self.has("aliases") and self.kinds[array][1]:
                view = self.new("y")
                ways = [f"{view} = {array}{self.pick('[::-1]', '[1:]', '.T', '[:]', '[::2]')}"]
                self.emit(ways[0])
                self.kinds[view] = self.kinds[array]
                return
        if self.has("strings"):
            ways += [f"{self.new()} = f'{{{self.integer(1)}}}-{{{self.real(1)!s}:.2e}}'", f"{self.new()} = 'ab' * ({self.integer(1)} & 3)"]
        self.emit(self.rng.choice(ways))

    # What a statement or expression can be beside arithmetic.

    def construct(self, depth):
        blocks = [self.caught_again, self.ended, self.managed] if depth else []
        self.rng.choice([*blocks, self.function_made, self.starred, self.walrus, self.deleted])(depth)

    def trouble(self):
        """A statement that raises now and then."""
        number = self.integer(1)
        self.emit(self.pick(
            f"if {number} % 5 == 2: raise ValueError({number})",
            f"{self.new()} = 1 // ({number} % 4)",
            f"{self.new()} = [3, 1][{number} % 3]",
            f"assert {number} % 3, {number}",
            f"{self.new()} = {{1: 2}}[{number} % 2]",
        ))  # fmt: skip

    def troubled(self, depth):
        """A block that raises now and then, and may be left in other ways."""
        self.indent += 1
        if self.chance(0.8):
            self.trouble()
        self.indent -= 1
        self.block(depth - 1, self.pick(1, 2))
        if self.loops and self.chance(0.25):
            self.indent += 1
            self.emit(f"if {self.integer(1)} % 9 == 1: {self.pick('continue', 'break')}")
            self.indent -= 1

    def caught_again(self, depth):
        """Handlers that raise, again or something else."""
        self.emit("try:")
        self.indent += 1
        self.emit("try:")
        self.troubled(depth)
        error = self.pick("ValueError", "ZeroDivisionError", "(KeyError, IndexError)", "Exception", "LookupError")
        self.emit(f"except {error}{self.pick('', ' as error')}:")
        self.emit("    " + self.pick("raise", "raise TypeError(1)", "raise TypeError(2) from None", "pass", "1 // 0"))
        if self.chance(0.3):
            self.emit("finally:")
            self.block(0, 1)
        self.indent -= 1
        self.emit("except Exception as error:")
        self.emit("    caught(error)")
        if self.chance(0.3):
            self.emit("    show('handled', sys.exc_info()[1] is error)")

    def ended(self, depth):
        self.emit("try:")
        self.indent += 1
        self.emit("try:")
        self.troubled(depth)
        self.emit("finally:")
        self.block(0, 1)
        if self.loops and self.chance(0.15):
            self.emit(f"    if {self.integer(1)} % 7 == 1: {self.pick('continue', 'break')}")
        self.indent -= 1
        self.emit("except ArithmeticError:")
        self.block(0, 1)
        self.emit("except Exception:")
        self.emit("    show('context', sys.exc_info()[0].__name__)")

    def managed(self, depth):
        name = self.new("k")
        self.emit(f"with Manager({self.pick('()', 'ValueError', 'Exception')}) as {name}{self.pick('', ', Manager(())')}:")
        self.troubled(depth)
        self.emit(f"show('{name}', {name}.seen)")

    def function_made(self, depth):
        a, b = self.integer(1), self.integer(1)
        names = self.names("int", "float") or ["1"]
        free = self.rng.choice(names)
        self.emit(f"{self.new()} = " + self.pick(
            f"[{free} + z for z in range({a} % 5)]",
            f"sum(z * {free} for z in range({a} % 5))",
            f"sorted([{a} % 7, {b} % 7, 3], key=lambda z: -z)",
            f"(lambda z, by={b}: z + by)({a})",
            f"(lambda: {free})()",
            f"{{z: z * 2 for z in range({a} % 4)}}",
            f"[10 // (z - 2) for z in range({a} % 4)]",
            f"[[y + z for y in range(z)] for z in range({a} % 4)]",
        ))  # fmt: skip

    def starred(self, depth):
        a, b = self.integer(1), self.real(1)
        name, other = self.new(), self.new("l")
        self.emit(self.pick(
            f"{name} = max(*[{a}, 3], {b})",
            f"{name} = [*range({a} % 4), {b}]",
            f"{name} = dict(**{{'x': {a}}}, y={b})",
            f"{name}, *{other} = [{a}, {b}, 1]",
            f"*{other}, {name} = range({a} % 3)",
            f"{name} = (*'ab', {a})",
            f"{name} = {{**{{'x': {a}}}, 'y': 1}}",
            f"{name} = max(*{self.pick('[]', '5', '(1, 2)')})",
        ))  # fmt: skip

    def walrus(self, depth):
        name = self.new()
        self.emit(f"if ({name} := {self.integer(1)}) > 3 and ({self.new()} := {self.real(1)}) < 9: show('{name}', {name})")

    def deleted(self, depth):
        name = self.new()
        self.emit(f"{name} = {self.value(self.pick('int', 'float'), 1)}")
        self.emit(f"if {self.integer(1)} % 3: del {name}")
        self.emit("try:")
        self.emit(f"    show('{name}', {name})")
        self.emit("except NameError as error:")
        self.emit("    caught(error)")

    # Whole programs.

    def helper(self):
        kind = self.pick("int", "float")
        name = f"helper{len(self.helpers)}"
        count = self.pick(1, 2)
        params = ["p", "q"][:count]
        kinds, self.kinds = self.kinds, {p: kind for p in params}
        helpers, self.helpers = self.helpers, []
        self.emit(f"def {name}({', '.join(params)}):")
        self.indent += 1
        if self.chance(0.4):
            self.emit(f"if {self.condition(1)}:")
            self.emit(f"    return {self.value(kind, 1)}")
        text = self.value(kind, 2)
        self.emit(f"return {text} % 1009" if kind == "int" else f"return {text}")
        self.indent -= 1
        self.kinds, self.helpers = kinds, [*helpers, (name, kind, count)]
        self.emit("")

    def function(self, name):
        self.in_function = True
        self.kinds, self.fixed, self.cells, self.bounds = {}, set(), [], {}
        params, calls = [], [[] for _ in range(self.pick(1, 2, 3))]
        for at in range(self.pick(1, 2, 3)):
            kind = (self.rng.choice(DTYPES), self.pick(1, 1, 1, 2, 2, 3, 0 if self.has("odd_arrays") else 1))
            params.append((f"a{at}", kind))
        for at, kind in enumerate(self.rng.sample(["int", "float", "int", self.kind()], self.pick(1, 2))):
            params.append((f"s{at}", kind))
        self.emit(f"def {name}({', '.join(p for p, _ in params)}):")
        self.indent += 1
        self.declared = [g for g in self.globals if self.chance(0.6)]
        if self.declared:
            self.emit(f"global {', '.join(self.declared)}")
        self.kinds.update(params)
        self.kinds.update((g, k) for g, k in self.globals.items())
        self.fixed.update(g for g in self.globals if g not in self.declared)
        # Something of each kind to work on.
        self.emit(f"t = {self.rng.choice(INTS)}")
        self.emit(f"r = {self.rng.choice(FLOATS)}")
        self.kinds.update(t="int", r="float")
        if self.has("closure"):
            self.emit("c = 1")
            self.emit("def bump():")
            self.emit("    nonlocal c")
            self.emit("    c = c * 3 % 1001")
            self.emit("    return c")
            self.cells.append("c")
            self.kinds["c"] = "int"
        for _ in range(self.pick(0, 1, 2)):
            self.statement(0)
        for _ in range(self.pick(1, 1, 2)):
            self.loop(self.pick(1, 2, 3))
        for _ in range(self.pick(0, 1)):
            self.statement(1)
        self.emit("return locals()")
        self.indent -= 1
        self.emit("")
        self.in_function = False
        for at, call in enumerate(calls):
            for param, kind in params:
                if at and self.chance(0.4):
                    kind = (self.rng.choice(DTYPES), kind[1]) if isinstance(kind, tuple) else self.pick("int", "float", "scalar")
                self.kinds, self.bounds = {}, {}
                call.append(self.value(kind, 0))
            if self.has("aliases") and len(call) > 1 and self.chance(0.4) and isinstance(params[1][1], tuple):
                self.emit(f"shared = {call[0]}")
                call[0], call[1] = "shared", self.pick("shared", "shared[::-1]", "shared[1:]", "shared.T")
            # Again and again: what is compiled is entered with new values.
            again = self.chance(0.2)
            if again:
                self.emit(f"for _ in range({self.pick(2, 3, 8)}):")
                self.indent += 1
            self.emit("try:")
            self.emit(f"    show('{name}', {name}({', '.join(call)}))")
            self.emit("except Exception as error:")
            self.emit("    caught(error)")
            self.indent -= again
        self.emit("")

    def program(self):
        self.bounds, self.declared = {}, []
        self.emit("import math")
        self.emit("import sys")
        self.emit("import numpy as np")
        self.emit("")
        filters = self.rng.choice(["default", "default", "always", "ignore", "error"])
        self.emit(f"filter_warnings('{filters}')")
        if self.chance(0.06):
            self.emit(f"np.seterr({self.pick('divide', 'over', 'under', 'invalid')}={self.pick('ignore', 'raise', 'warn')!r})")
        if self.has("foreign"):
            self.emit("import ctypes")
            self.emit("clib = ctypes.CDLL('libm.so.6')")
            types = {"d": "ctypes.c_double", "f": "ctypes.c_float", "i": "ctypes.c_int", "l": "ctypes.c_long"}
            for name, args in FOREIGN.items():
                self.emit(f"c_{name} = clib.{name}")
                self.emit(f"c_{name}.argtypes = [{', '.join(types[a] for a in args)}]")
                self.emit(f"c_{name}.restype = {types[args[0]]}")
        if self.has("objects"):
            self.emit(THING)
        if self.has("generators"):
            self.emit(NUMBERS)
        if self.has("constructs"):
            self.emit(MANAGER)
        if self.has("globals"):
            for _ in range(self.pick(1, 2, 3)):
                name = f"G{len(self.globals)}"
                kind = self.pick("int", "float", "float", ("f8", 1), ("i8", 1))
                self.emit(f"{name} = {self.value(kind, 0)}")
                self.globals[name] = kind
        if self.has("calls"):
            for _ in range(self.pick(1, 2)):
                self.helper()
        functions = self.pick(0, 1, 1, 2)
        for at in range(functions):
            self.function(f"f{at}")
        if functions == 0 or self.chance(0.3):
            self.kinds, self.fixed, self.cells, self.bounds = dict(self.globals), set(), [], {}
            for _ in range(self.pick(1, 2)):
                name = self.new("m")
                self.kinds[name] = (self.rng.choice(DTYPES), self.pick(1, 1, 2))
                self.emit(f"{name} = {self.array(*self.kinds[name])}")
            self.emit("t = 3")
            self.emit("r = 0.75")
            self.kinds.update(t="int", r="float")
            for _ in range(self.pick(1, 2)):
                self.loop(self.pick(1, 2, 3))
        return "\n".join(self.lines) + "\n"


THING = '''
class Thing:
    def __init__(self, n, x):
        self.n, self.x = n, x

    @property
    def size(self):
        return self.n * 2 + 1

    def step(self, by):
        self.n = (self.n + by) % 10007
        self.x = self.x * 0.5 + by
        return self

    def twin(self):
        return Thing(self.n + 1, -self.x)

    def __add__(self, other):
        return Thing((self.n + other.n) % 1013, self.x + other.x)

    def __repr__(self):
        return f"Thing({self.n}, {self.x!r})"
'''

MANAGER = '''
class Manager:
    def __init__(self, swallows):
        self.swallows, self.seen = swallows, []

    def __enter__(self):
        self.seen.append("in")
        return self

    def __exit__(self, kind, value, traceback):
        self.seen.append((kind and kind.__name__, traceback and traceback.tb_lineno, sys.exc_info()[1] is value))
        return kind is not None and issubclass(kind, self.swallows)
'''

NUMBERS = '''
def numbers(count):
    for n in range(count):
        yield n * n % 7
'''


def program(seed):
    """The program of this seed."""
    return Generator(seed).program()


if __name__ == "__main__":
    import sys

    print(program(int(sys.argv[1])), end="")

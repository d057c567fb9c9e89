"""Cases of scalars: their operators, functions and conversions, with each other, Python's numbers and small arrays."""

TYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "longlong", "ulonglong", "float16", "float32", "float64",
         "longdouble", "complex64", "complex128", "clongdouble"]  # fmt: skip
BINARY = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>", "==", "!=", "<", "<=", ">", ">=", "@"]
UNARY = ["-", "+", "~", "abs", "bool", "int", "float", "complex", "round", "repr", "str", "hash", "not ", "divmod(7, ", "oct", "hex", "__import__('operator').index", "__import__('math').trunc",
         "__import__('math').floor", "format", "f'{0!r:>4}'.format"]  # fmt: skip
PYTHON = ["0", "1", "-1", "2", "3", "7", "-3", "True", "False", "0.0", "-0.0", "0.5", "-2.5", "1e300", "inf", "nan", "1j", "(2-3j)", "127", "128", "255", "256", "-129", "2**31", "2**40",
          "2**63", "2**64", "-2**63", "-2**63 - 1", "10**30", "None", "'a'", "b'a'", "[1, 2]", "()", "object()", "range(3)"]  # fmt: skip
OTHER = ["np.str_('a')", "np.bytes_(b'a')", "np.datetime64('2001-02-03')", "np.datetime64('NaT')", "np.timedelta64(5, 's')", "np.timedelta64(-3, 'ms')", "np.timedelta64('NaT')",
         "np.timedelta64(2)", "np.void(b'abc')", "np.datetime64(5, 'ns')", "np.datetime64('2001', 'Y')", "np.timedelta64(7, 'M')"]  # fmt: skip
ATTRIBUTES = ["dtype", "real", "imag", "ndim", "shape", "size", "itemsize", "nbytes", "strides", "T", "item()", "tolist()", "conjugate()", "astype('f4')", "astype('S5')", "byteswap()", "tobytes()",
              "is_integer()", "as_integer_ratio()", "bit_count()", "all()", "any()", "sum()", "cumsum()", "round(1)", "clip(0, 2)", "flat[0]", "reshape(1)", "ravel()", "view('V1')", "copy()",
              "argmax()", "nonzero()", "max()", "mean()", "std()", "squeeze()", "swapaxes(0, 0)", "take(0)", "fill(1)", "sort()", "base", "data.format", "flags.writeable", "numerator", "denominator",
              "__array__()", "__getitem__(())", "__getitem__(...)", "__getitem__(0)", "newbyteorder()", "hex()", "__index__()", "__round__()", "__round__(2)", "__format__('.3')", "__format__('d')",
              "__complex__()", "__reduce__()[1][1]", "repeat(2)", "searchsorted(1)", "choose([1, 2])", "compress([True])", "dot(2)", "trace()", "prod()", "put(0, 1)", "resize((1,))"]  # fmt: skip


def number(rng):
    name = rng.choice(TYPES)
    if name == "bool":
        value = rng.choice(["True", "False"])
    elif "int" in name or "long" in name and "double" not in name:
        bits = {"8": 8, "16": 16, "32": 32}.get(name.lstrip("uint"), 64)
        low, high = (0, (1 << bits) - 1) if name[0] == "u" else (-(1 << bits - 1), (1 << bits - 1) - 1)
        value = str(rng.choice([0, 1, 2, 3, 7, high, high - 1, low, low + 1, high // 2 + 1, rng.randint(low, high)]))
    elif "complex" in name or name == "clongdouble":
        value = rng.choice(["0", "1j", "1+2j", "-1.5", "complex(inf, nan)", "complex(-0.0, -0.0)", "-3j", "1e30+1j", "complex(nan, 1)"])
    else:
        value = rng.choice(["0.0", "-0.0", "1.0", "-1.0", "0.5", "-2.5", "inf", "-inf", "nan", "3.7", "1e4", "65504.0", "1e-7", "2.0", "1e38"])
    return f"np.{name}({value})"


def operand(rng):
    pick = rng.random()
    if pick < 0.6:
        return number(rng)
    if pick < 0.8:
        return rng.choice(PYTHON)
    if pick < 0.9:
        return rng.choice(OTHER)
    return rng.choice([f"np.array({number(rng)})", f"np.array([{number(rng)}])", f"np.array([{rng.choice(PYTHON[:8])}, 2], 'O')", f"np.array({rng.choice(OTHER)})", "np.array([])"])


def case(rng):
    pick = rng.random()
    x = number(rng) if rng.random() < 0.85 else rng.choice(OTHER)
    if pick < 0.6:
        other = operand(rng)
        pair = [x, other] if rng.random() < 0.6 else [other, x]
        if rng.random() < 0.05:
            return lines(f"divmod({pair[0]}, {pair[1]})")
        if rng.random() < 0.03:
            return lines(f"pow({pair[0]}, {pair[1]}, {rng.choice(['2', 'None', number(rng)])})")
        if rng.random() < 0.08:
            # With another numpy scalar numpy 2.4.6 says `NotImplemented` where the other type would do it; operators do not show it.
            pair = [x, rng.choice(PYTHON)]
            name = rng.choice(["add", "radd", "sub", "rsub", "mul", "truediv", "floordiv", "mod", "pow", "rpow", "and", "lshift", "rrshift", "eq", "lt", "ge", "divmod", "rdivmod"])
            return lines(f"({pair[0]}).__{name}__({pair[1]})")
        operator = rng.choice(BINARY)
        # Such powers take all memory.
        if operator in ("**", "<<") and any("2**" in p or "10**" in p for p in pair):
            operator = "*"
        if operator == "*" and any(p[0] in "[(r'b" for p in pair):
            # Neither do sequences repeated so often.
            operator = "+"
        if operator == "+" and any("bytes_(" in p or p[:2] == "b'" for p in pair) and any("longdouble" in p for p in pair):
            # The padding becomes part of the result.
            operator = "=="
        return lines(f"{pair[0]} {operator} {pair[1]}")
    if pick < 0.72:
        operator = rng.choice(UNARY)
        if operator == "hash" and ("nan" in x.lower() or "NaT" in x or "datetime64(" in x):
            # By identity, or as the process hashes bytes.
            operator = "bool"
        return lines(f"{operator}({x})" if not operator.startswith("divmod") else f"{operator}{x})")
    if pick < 0.88:
        # The padding of long doubles is anything, and so is what swapping it makes of them; strings and voids forget what they swapped.
        plain = "long" not in x and "void" not in x and "_(" not in x
        return lines(f"({x}).{rng.choice([a for a in ATTRIBUTES if plain or not ('byte' in a or 'reduce' in a or 'view' in a)])}")
    name = rng.choice(TYPES + ["str_", "bytes_", "void", "datetime64", "timedelta64", "object_"])
    given = operand(rng)
    if name in ("bytes_", "void"):
        # As many bytes as an integer says.
        given = rng.choice([*PYTHON[:8], *OTHER])
    if "object()" in given and name in ("str_", "object_"):
        # Shown with its address.
        given = "None"
    return lines(f"np.{name}({given if 'double' not in given or name not in ('bytes_', 'void') else '1'})")


def lines(text):
    return {"arrays": {}, "lines": [text]}

"""Cases of ufuncs: calls and methods with every argument they take."""

from generate import NUMBERS, array, compatible, dtype, quoted, scalar, shape, writable

UNARY = """negative positive absolute fabs sign signbit rint floor ceil trunc conjugate reciprocal square sqrt cbrt exp exp2 expm1
log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh degrees radians deg2rad rad2deg
invert logical_not isnan isinf isfinite isnat spacing bitwise_count modf frexp""".split()
BINARY = """add subtract multiply divide floor_divide remainder fmod divmod power float_power maximum minimum fmax fmin
logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor left_shift right_shift equal not_equal less less_equal
greater greater_equal arctan2 hypot copysign nextafter ldexp logaddexp logaddexp2 heaviside gcd lcm""".split()
# numpy 2.4.6 folds these with vector loops that read the running result once for many elements (AVX-512 only).
FOLDED = [name for name in BINARY if name not in ("arctan2", "power", "float_power", "ldexp")]
COMPARISONS = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}
TWO_RESULTS = {"modf", "frexp", "divmod"}
CORE = """matmul vecdot matvec vecmat""".split()
TEXT_UNARY = """str_len isalpha isdigit isspace isalnum islower isupper istitle isdecimal isnumeric strip lstrip rstrip upper lower swapcase
capitalize title""".split()
TEXT_PAIRS = """add equal not_equal less less_equal greater greater_equal startswith endswith find rfind index rindex count partition
rpartition""".split()


def case(rng):
    pick = rng.random()
    if pick < 0.04:
        return core(rng)
    if pick < 0.06:
        return texts(rng)
    if pick < 0.3:
        return unary(rng)
    if pick < 0.6:
        return binary(rng)
    if pick < 0.62:
        return clip(rng)
    return rng.choice([reduce, reduce, accumulate, reduceat, at, outer])(rng)


def pair(rng):
    """Two dtypes, the same one half of the time."""
    first = dtype(rng, "ufunc")
    return first, first if rng.random() < 0.5 else dtype(rng, "ufunc")


def options(rng, result, dims, arrays, inputs, outputs=1):
    """Keyword arguments of a call, some of which need arrays."""
    kwargs = {}
    if rng.random() < 0.25:
        names = []
        for i in range(outputs):
            if rng.random() < 0.25:
                name = rng.choice(list(arrays))
                if rng.random() < 0.4 and arrays[name].get("shape"):
                    arrays["v"] = {"view": f"{name}[{rng.choice(['::-1', '1:', ':-1', '...'])}]"}
                    name = "v"
            else:
                name = f"o{i}"
                kind = result if rng.random() < 0.5 else dtype(rng, "ufunc")
                if rng.random() < 0.05:
                    dims = [rng.choice([0, 1, 2])] + dims
                arrays[name] = writable(array(rng, kind, dims if rng.random() < 0.93 else compatible(rng, dims)))
            names.append(name if outputs == 1 or rng.random() < 0.8 else "None")
        kwargs["out"] = names[0] if outputs == 1 else f"({', '.join(names)},)"
        for name in list(arrays):
            if name in kwargs["out"] and "steps" in arrays[name]:
                arrays[name] = writable(arrays[name])
        if "v" in arrays:
            arrays |= {n: writable(s) for n, s in arrays.items() if "steps" in s}
        # Without an output a mask leaves elements of a new array as they are: anything.
        if rng.random() < 0.3 and "None" not in names:
            arrays["w"] = array(rng, "?", compatible(rng, dims if rng.random() < 0.95 else [2] + dims))
            kwargs["where"] = "w" if rng.random() < 0.9 else rng.choice(["True", "False"])
    if rng.random() < 0.15:
        kwargs["dtype"] = quoted(dtype(rng, "ufunc"))
    if rng.random() < 0.12:
        kwargs["casting"] = repr(rng.choice(["no", "equiv", "safe", "same_kind", "unsafe", "unsafe", "same_value"]))
    if rng.random() < 0.08:
        kwargs["order"] = repr(rng.choice("CFAK"))
    if "dtype" not in kwargs and rng.random() < 0.05:
        kwargs["signature"] = signature(rng, inputs, outputs)
    return kwargs


def signature(rng, inputs, outputs):
    """The loop to use: as a text, or as a tuple that may leave some of its types open."""
    codes = [rng.choice(NUMBERS + "OmMSU")] * (inputs + outputs) if rng.random() < 0.6 else rng.choices(NUMBERS, k=inputs + outputs)
    if rng.random() < 0.5:
        return repr(f"{''.join(codes[:inputs])}->{''.join(codes[inputs:])}")
    return f"({', '.join(repr(c) if rng.random() < 0.6 else 'None' for c in codes)},)"


def unary(rng):
    name, dims, kind = rng.choice(UNARY), shape(rng), dtype(rng, "ufunc")
    arrays = {"a": array(rng, kind, dims)}
    return {"call": f"np.{name}", "arrays": arrays, "args": ["a"], "kwargs": options(rng, kind, dims, arrays, 1, 1 + (name in TWO_RESULTS))}


def binary(rng):
    name, dims, (first, second) = rng.choice(BINARY), shape(rng), pair(rng)
    arrays = {"a": array(rng, first, dims)}
    args = ["a", "b"]
    if rng.random() < 0.2:
        args[1] = scalar(rng)
        if rng.random() < 0.25:
            args[0] = scalar(rng)
    else:
        arrays["b"] = array(rng, second, compatible(rng, dims))
        if rng.random() < 0.05:
            arrays["b"] = {"view": f"a[{rng.choice(['::-1', '...'])}]"} if dims else {"view": "a"}
    if rng.random() < 0.3:
        args.reverse()
    kwargs = options(rng, first, dims, arrays, 2, 1 + (name in TWO_RESULTS))
    if name in COMPARISONS and any("2**" in arg or "10**" in arg or arg[0] in "-0123456789" for arg in args):
        # numpy 2.4.6 forgets the mask, or crashes, when an integer does not fit the other operand.
        kwargs.pop("where", None)
    return {"call": f"np.{name}", "arrays": arrays, "args": args, "kwargs": kwargs}


def core(rng):
    name, kind = rng.choice(CORE), dtype(rng)
    n, m, k = (rng.choice([0, 1, 2, 3, 5, 8]) for _ in range(3))
    first, second = {"matmul": ([n, m], [m, k]), "vecdot": ([m], [m]), "matvec": ([n, m], [m]), "vecmat": ([m], [m, k])}[name]
    stack = rng.choice([[], [], [2], [1, 3]])
    # Sums of products are rounded in the order in which a BLAS adds them, so these are small whole numbers.
    arrays = {
        "a": array(rng, kind, stack + first, whole=True),
        "b": array(rng, kind if rng.random() < 0.7 else dtype(rng), second if rng.random() < 0.5 else stack + second, whole=True),
    }
    return {"call": f"np.{name}", "arrays": arrays, "args": ["a", "b"], "kwargs": {}}


def texts(rng):
    """Functions of strings of fixed width."""
    dims = shape(rng)
    text = lambda: rng.choice(["S", "U", "U", ">U"])  # noqa: E731
    kind = text()
    arrays = {"a": array(rng, f"{kind}{rng.choice([1, 3, 5, 12])}", dims)}
    b = lambda: arrays.update(b=array(rng, f"{kind if rng.random() < 0.9 else text()}{rng.choice([1, 2, 4])}", compatible(rng, dims))) or "b"  # noqa: E731
    n = lambda: arrays.update(n=array(rng, rng.choice(["i8", "i4", "u1", ">i2", "i8"]), compatible(rng, dims))) or "n" if rng.random() < 0.5 else str(rng.randint(-3, 14))  # noqa: E731
    name = rng.choice(TEXT_UNARY + TEXT_PAIRS + TEXT_PAIRS + ["multiply", "center", "ljust", "rjust", "zfill", "expandtabs", "replace", "slice", "find", "count"])
    args = ["a"]
    if name in TEXT_PAIRS:
        args.append(b())
    if name in ("find", "rfind", "index", "rindex", "count", "startswith", "endswith"):
        args += [b()] * (len(args) < 2) + [n() for _ in range(rng.randint(0, 2))]
    elif name in ("center", "ljust", "rjust"):
        args += [n()] + ([rng.choice(["'*'", "b'*'", "''", "'ab'"])] if rng.random() < 0.5 else [])
    elif name in ("multiply", "zfill", "expandtabs"):
        args.append(n())
    elif name == "replace":
        args += [b(), rng.choice(["b", "'xyz'", "b''", "''"])] + ([n()] if rng.random() < 0.5 else [])
    elif name == "slice":
        args += [str(rng.choice([-2, 0, 1, 3, None])) for _ in range(rng.randint(1, 3))]
    elif name in ("strip", "lstrip", "rstrip") and rng.random() < 0.5:
        args.append(b())
    return {"call": f"np.strings.{name}", "arrays": arrays, "args": args, "kwargs": {}}


def clip(rng):
    dims, kind = shape(rng), dtype(rng, "ufunc")
    arrays, args = {"a": array(rng, kind, dims)}, ["a"]
    for name in "bc":
        if rng.random() < 0.4:
            args.append(scalar(rng))
        else:
            arrays[name] = array(rng, kind if rng.random() < 0.6 else dtype(rng, "ufunc"), compatible(rng, dims))
            args.append(name)
    if rng.random() < 0.3:
        return {"call": "a.clip", "arrays": arrays, "args": args[1:], "kwargs": options(rng, kind, dims, arrays, 3)}
    return {"call": "np._core.umath.clip", "arrays": arrays, "args": args, "kwargs": options(rng, kind, dims, arrays, 3)}


def axes(rng, ndim):
    if rng.random() < 0.3:
        return "None"
    if rng.random() < 0.3 and ndim > 1:
        return f"({', '.join(str(rng.randrange(-ndim, ndim)) for _ in range(rng.randint(1, 2)))},)"
    return str(rng.randrange(-ndim, ndim + (rng.random() < 0.05))) if ndim else rng.choice(["0", "-1", "()"])


def folded(rng, name, method, dims, kind):
    arrays = {"a": array(rng, kind, dims)}
    kwargs = {}
    if rng.random() < 0.3:
        kwargs["dtype"] = quoted(kind if rng.random() < 0.3 else dtype(rng, "ufunc"))
    return {"call": f"np.{name}.{method}", "arrays": arrays, "args": ["a"], "kwargs": kwargs}


def reduce(rng):
    name, dims, kind = rng.choice(FOLDED), shape(rng, 4), dtype(rng, "ufunc")
    made = folded(rng, name, "reduce", dims, kind)
    arrays, kwargs = made["arrays"], made["kwargs"]
    if rng.random() < 0.7:
        kwargs["axis"] = axes(rng, len(dims))
    if rng.random() < 0.3:
        kwargs["keepdims"] = "True"
    if rng.random() < 0.2:
        kwargs["initial"] = scalar(rng)
    if rng.random() < 0.2:
        arrays["w"] = array(rng, "?", compatible(rng, dims if rng.random() < 0.95 else [2] + dims))
        kwargs["where"] = "w"
    if rng.random() < 0.2:
        axis = kwargs.get("axis", "0")
        keep = "keepdims" in kwargs
        drop = set(range(len(dims))) if axis == "None" else set()
        if axis.lstrip("-").isdigit() and dims:
            drop = {int(axis) % len(dims)}
        into = [1 if i in drop else d for i, d in enumerate(dims)] if keep else [d for i, d in enumerate(dims) if i not in drop]
        arrays["o"] = writable(array(rng, kind if rng.random() < 0.5 else dtype(rng, "ufunc"), into))
        kwargs["out"] = "o"
    return made


def accumulate(rng):
    name, dims, kind = rng.choice(FOLDED), shape(rng), dtype(rng, "ufunc")
    made = folded(rng, name, "accumulate", dims, kind)
    if rng.random() < 0.6 and dims:
        made["kwargs"]["axis"] = str(rng.randrange(-len(dims), len(dims)))
    if rng.random() < 0.25:
        if rng.random() < 0.4:
            made["kwargs"]["out"] = "a"
            made["arrays"]["a"] = writable(made["arrays"]["a"])
        else:
            made["arrays"]["o"] = writable(array(rng, kind if rng.random() < 0.5 else dtype(rng, "ufunc"), dims))
            made["kwargs"]["out"] = "o"
    return made


def reduceat(rng):
    name, dims, kind = rng.choice(FOLDED), shape(rng) or [4], dtype(rng, "ufunc")
    made = folded(rng, name, "reduceat", dims, kind)
    axis = rng.randrange(len(dims))
    length = max(dims[axis], 1)
    made["args"].append(str([rng.randrange(length + (rng.random() < 0.03)) for _ in range(rng.randint(0, 4))]))
    if axis or rng.random() < 0.3:
        made["kwargs"]["axis"] = str(axis)
    return made


def at(rng):
    unary = rng.random() < 0.2
    name, dims, (kind, other) = rng.choice(UNARY if unary else BINARY), shape(rng) or [3], pair(rng)
    length = max(dims[0], 1)
    where = [rng.randrange(-length, length + (rng.random() < 0.02)) for _ in range(rng.randint(0, 6))]
    arrays, args = {"a": writable(array(rng, kind, dims))}, ["a", f"np.array({where}, 'p')"]
    if rng.random() < 0.1:
        args[1] = rng.choice(["slice(None, None, 2)", "...", "0", "([0, 0],)", "np.array([True])"])
    if not unary:
        if rng.random() < 0.3:
            args.append(scalar(rng))
        else:
            arrays["b"] = array(rng, other, [len(where)] + dims[1:] if rng.random() < 0.9 else shape(rng))
            args.append("b")
    return {"call": f"np.{name}.at", "arrays": arrays, "args": args, "kwargs": {}}


def outer(rng):
    name, (first, second) = rng.choice(BINARY), pair(rng)
    arrays = {"a": array(rng, first, shape(rng, 2)), "b": array(rng, second, shape(rng, 2))}
    args = ["a", "b" if rng.random() < 0.8 else scalar(rng)]
    kwargs = {"dtype": quoted(dtype(rng, "ufunc"))} if rng.random() < 0.1 else {}
    return {"call": f"np.{name}.outer", "arrays": arrays, "args": args, "kwargs": kwargs}

"""Random cases: arrays, and code that uses them.

A case is ``{"arrays": {name: specification}, "code": [statements and a last expression], ...}``. ``call`` keeps the parts of a
call apart, so that a failing one can be made smaller; ``render`` makes code of them.
"""

import random

INTS = "bBhHiIlLqQ"
FLOATS = "efdg"
COMPLEX = "FDG"
NUMBERS = "?" + INTS + FLOATS + COMPLEX
TIMES = ["M8[D]", "M8[s]", "M8[ns]", "m8[D]", "m8[s]", "m8[ns]", "m8", "M8", "M8[M]", "m8[Y]", "M8[3h]"]
TEXTS = ["S1", "S3", "S5", "U1", "U4", "S12", "U12"]
STRUCTS = [
    "[('a', 'i2'), ('b', 'f8')]",
    "[('a', '>i4'), ('b', 'S3')]",
    "[('a', 'f4', (2,)), ('b', 'u1')]",
    "{'names': ['x', 'y'], 'formats': ['i4', 'f4'], 'offsets': [4, 12], 'itemsize': 20}",
    "[('a', [('c', 'i1'), ('d', 'D')]), ('b', 'm8[s]')]",
]


def dtype(rng, among="numbers"):
    """The text of a dtype."""
    pick = rng.random()
    if among == "ints":
        code = rng.choice(INTS)
    elif among == "all" and pick < 0.35:
        return rng.choice([rng.choice(TIMES), rng.choice(TEXTS), "O", rng.choice(STRUCTS), "V4", ">M8[s]", ">U3"])
    elif among == "ufunc" and pick < 0.12:
        return rng.choice([rng.choice(TIMES), "O", ">m8[s]", rng.choice(TEXTS)])
    else:
        code = rng.choice(NUMBERS)
    return rng.choice("<>") + code if rng.random() < 0.15 and code not in "?bB" else code


def quoted(text):
    return text if text[0] in "[{" else repr(text)


def shape(rng, most=3):
    pick = rng.random()
    if pick < 0.1:
        return []
    if pick < 0.18:
        return [rng.choice([33, 64, 100, 257, 1000])]
    return [rng.choice([0, 1, 1, 2, 2, 3, 4, 5, 8, 17]) for _ in range(rng.randint(1, most))]


def array(rng, kind, dims, **more):
    """The specification of an array: its dtype, shape, how it lies in memory, and a seed for its elements."""
    ndim = len(dims)
    order, steps, shift = list(range(ndim))[::-1], [1] * ndim, 0
    if rng.random() < 0.5:
        if rng.random() < 0.4:
            rng.shuffle(order)
        if rng.random() < 0.5:
            steps = [rng.choice([1, 1, -1, -1, 2, -2, 3, 0]) for _ in dims]
        if rng.random() < 0.2:
            shift = rng.choice([1, 3, 4])
    spec = {"dtype": quoted(kind), "shape": dims, "steps": steps, "order": order, "shift": shift}
    return spec | {"seed": rng.randrange(1 << 30), "special": rng.random() < 0.4} | more


def writable(spec):
    """The same without elements that are one in memory: what is written to those is not defined."""
    return spec | {"steps": [step or 1 for step in spec["steps"]]}


def compatible(rng, dims):
    """A shape that broadcasts with another one, mostly."""
    if rng.random() < 0.03:
        return shape(rng)
    cut = rng.choice([0, 0, 0, 1, len(dims)])
    return [1 if rng.random() < 0.15 else d for d in dims[cut:]]


def scalar(rng):
    """The text of a Python or numpy scalar."""
    if rng.random() < 0.6:
        return rng.choice(
            ["0", "1", "-1", "2", "3", "True", "False", "0.0", "0.5", "-2.5", "1e5", "1e300", "nan", "inf", "1j", "(2-3j)",
             "127", "128", "255", "-129", "65536", "2**31", "2**40", "2**63", "2**64", "-2**63", "-2**63 - 1", "10**30", "None"]
        )  # fmt: skip
    name = rng.choice(
        ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64",
         "longdouble", "complex64", "complex128", "clongdouble"]
    )  # fmt: skip
    value = rng.choice(["0", "1", "2", "3", "5"]) if name.startswith(("u", "b")) else rng.choice(["0", "1", "-1", "2", "-3", "7"])
    return f"np.{name}({value})"


def render(case):
    """The statements of a case."""
    if "call" in case:
        arguments = list(case["args"]) + [f"{name}={value}" for name, value in case["kwargs"].items()]
        return [*case.get("before", []), f"{case['call']}({', '.join(arguments)})"]
    if "index" in case:
        return [line.replace("INDEX", index_text(case["index"])) for line in case["lines"]]
    return case["lines"]


def index_text(parts):
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)}{',' if parts else ''})" if parts else "()"


def case(area, seed):
    """The case of a seed, the same one every time."""
    import casts
    import generalized
    import indices
    import iteration
    import overlaps
    import scalars
    import structures
    import ufuncs

    rng = random.Random(f"{area} {seed}")
    areas = {"ufunc": ufuncs.case, "index": indices.case, "cast": casts.case, "nditer": iteration.case, "nested": iteration.nested,
             "struct": structures.case, "scalar": scalars.case, "gufunc": generalized.case, "overlap": overlaps.case}  # fmt: skip
    return areas[area](rng)

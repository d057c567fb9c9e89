"""Cases of indexing: reading, writing and updating in place with every kind of index."""

from math import prod

from generate import array, compatible, dtype, scalar, shape, writable


def part(rng, length):
    """One index of an axis of that length, with how many axes it takes."""
    pick = rng.random()
    if pick < 0.2:
        return str(rng.randrange(-length, length) if length and rng.random() < 0.97 else rng.choice([0, length, -length - 1])), 1
    if pick < 0.5:
        ends = [rng.choice(["", "", str(rng.randint(-length - 2, length + 2))]) for _ in range(2)]
        return f"slice({ends[0] or 'None'}, {ends[1] or 'None'}, {rng.choice(['None', 'None', '1', '-1', '2', '-2', '3'])})", 1
    if pick < 0.58:
        return "None", 0
    if pick < 0.65:
        return "...", 0
    if pick < 0.82:
        dims = rng.choice([[], [1], [2], [3], [0], [2, 3], [5]])
        return integers(rng, length, dims), 1
    if pick < 0.92:
        bits = [rng.random() < 0.5 for _ in range(length if rng.random() < 0.95 else length + 1)]
        return f"np.array({bits}, '?')", 1
    return rng.choice(
        ["True", "False", "np.array(True)", "np.int8(0)", "np.uint64(0)", "np.array(0)", "1.5", "'a'", "[0]", "[]", "[True]",
         "(0,)", "2**63", "2**70", "np.bool(True)", "np.array([0.0])", "[0, 'x']", "np.array([], 'f8')", "[[0], [0]]", "b'x'",
         "slice(0.5)", "slice(None, None, 0)", "np.array([0], 'O')", "np.array(['a'])", "slice(2**70)", "np.float64(1)"]
    ), 1  # fmt: skip


def integers(rng, length, dims):
    values = [rng.randrange(-length, length + (rng.random() < 0.01)) if length else 0 for _ in range(prod(dims))]
    code = rng.choice(["p", "p", "p", "i1", "u1", "i4", ">i8", "u8"])
    if code[0] == "u":
        values = [abs(v) for v in values]
    text = f"np.array({values}, {code!r})"
    return text if len(dims) == 1 else f"{text}.reshape({tuple(dims)})"


def mask(rng, dims):
    """A mask of several axes, in either order of memory."""
    bits = [rng.random() < 0.4 for _ in range(prod(dims))]
    turned = rng.random() < 0.3
    text = f"np.array({bits}, '?').reshape({tuple(dims[::-1] if turned else dims)})"
    return f"{text}.T" if turned else text


def index(rng, dims):
    parts, axis = [], 0
    while axis < len(dims) + (rng.random() < 0.03):
        if rng.random() < 0.2 and parts:
            break
        if rng.random() < 0.08 and axis + 2 <= len(dims):
            covered = dims[axis : axis + rng.randint(2, len(dims) - axis)]
            parts.append(mask(rng, covered))
            axis += len(covered)
            continue
        text, taken = part(rng, dims[axis] if axis < len(dims) else 1)
        if text == "..." and text in parts and rng.random() < 0.9:
            continue
        parts.append(text)
        axis += taken
    return parts


def case(rng):
    dims, kind = shape(rng, rng.choice([3, 3, 3, 5])), dtype(rng, "all")
    arrays = {"a": writable(array(rng, kind, dims)) if rng.random() < 0.9 else array(rng, kind, dims)}
    pick = rng.random()
    if kind[0] == "[" and rng.random() < 0.2:
        parts = [rng.choice(["'a'", "'b'", "['a']", "['b', 'a']", "['a', 'a']", "'zz'", "[]", "['a', 'zz']"])]
    else:
        parts = index(rng, dims)
    if pick < 0.4:
        lines = ["a[INDEX]"]
    elif pick < 0.47:
        lines = ["a.flat[INDEX]"]
        parts = first_element(parts, dims)
    elif pick < 0.5:
        lines = [f"a.flat[INDEX] = {scalar(rng)}", "a"]
        parts = first_element(parts, dims)
    elif pick < 0.6:
        return selection(rng, arrays, dims)
    else:
        arrays = {"a": writable(arrays["a"])}
        value = scalar(rng)
        roll = rng.random()
        if roll < 0.55:
            arrays["b"] = array(rng, kind if rng.random() < 0.5 else dtype(rng, "all"), compatible(rng, dims) if rng.random() < 0.6 else rng.choice([[], [1], [2], [3]]))
            value = "b"
        elif roll < 0.7:
            value = rng.choice(["a", "a[::-1]", "a.T", "a[INDEX]", "a[INDEX][::-1]", "a[:1]", "list(a)", "'7'", "[1, 2]", "[[1], [2]]", "()", "(1, 2)"])
        lines = [f"a[INDEX] {'=' if rng.random() < 0.75 else rng.choice(['+=', '*=', '-=', '|=', '**='])} {value}", "a"]
    return {"arrays": arrays, "index": parts, "lines": lines}


def first_element(parts, dims):
    """The index of a flat iterator: true is its first element, which numpy 2.4.6 reads and writes even if there is none."""
    parts = parts[:1] or ["..."]
    return ["..."] if "True" in parts[0] and 0 in dims else parts


def selection(rng, arrays, dims):
    """take, put, choose, compress, sort and their kin."""
    axis = str(rng.randrange(-len(dims), len(dims))) if dims and rng.random() < 0.7 else "None"
    length = dims[int(axis)] if axis != "None" else prod(dims)
    where = integers(rng, length, rng.choice([[], [2], [3], [0], [2, 2]]))
    mode = rng.choice(["'raise'", "'wrap'", "'clip'"])
    # Objects that are equal are not the same, nor are zeros of both signs, and other sorts may exchange them.
    mixed = any(c in arrays["a"]["dtype"] for c in "[{OefdgFDG")
    stable = "'stable'" if mixed else None
    arrays["a"] = writable(arrays["a"])
    name = rng.choice(["take", "put", "compress", "repeat", "sort", "argsort", "partition", "argmax", "argmin", "nonzero", "searchsorted",
                       "diagonal", "trace", "swapaxes", "cumsum", "ptp", "squeeze", "ravel", "flatten", "reshape", "transpose", "item",
                       "tolist", "where", "putmask", "place", "copyto", "choose", "unique", "roll", "flip", "concatenate", "stack",
                       "extract", "count_nonzero", "clip", "round", "byteswap", "resize", "fill", "lexsort", "mean",
                       "var", "sum", "prod", "min", "max", "any", "all", "conj", "dot", "view"])  # fmt: skip
    if name == "unique" and mixed:
        name = "flip"
    extra = {
        "take": ("np.take", ["a", where], {"axis": axis, "mode": mode}),
        "put": ("np.put", ["a", where, scalar(rng)], {"mode": mode}),
        "compress": ("np.compress", [str([rng.random() < 0.5 for _ in range(min(length, 30))]), "a"], {"axis": axis}),
        "repeat": ("np.repeat", ["a", rng.choice(["2", "0", "[1, 2]", "[3]", "1"])], {"axis": axis}),
        "sort": ("np.sort", ["a"], {"axis": axis, "kind": stable or rng.choice(["'stable'", "'quicksort'", "'heapsort'"])}),
        "argsort": ("np.argsort", ["a"], {"axis": axis, "kind": "'stable'"}),
        "partition": (f"(lambda x, k, axis: np.take(np.partition(x, k, axis), [k], axis){' == np.take(np.sort(x, axis), [k], axis)' if mixed else ''})", ["a", str(rng.randint(0, 2))], {"axis": axis}),
        "argmax": ("np.argmax", ["a"], {"axis": axis, "keepdims": rng.choice(["True", "False"])}),
        "argmin": ("np.argmin", ["a"], {"axis": axis}),
        "nonzero": ("np.nonzero", ["a"], {}),
        "searchsorted": ("np.searchsorted", ["np.sort(a, axis=None)", "a"], {"side": rng.choice(["'left'", "'right'"])}),
        "diagonal": ("np.diagonal", ["a"], {"offset": str(rng.randint(-2, 2))}),
        "trace": ("np.trace", ["a"], {"offset": str(rng.randint(-2, 2))}),
        "swapaxes": ("np.swapaxes", ["a", "0", str(rng.randint(-2, 2))], {}),
        "cumsum": ("np.cumsum", ["a"], {"axis": axis}),
        "ptp": ("np.ptp", ["a"], {"axis": axis}),
        "squeeze": ("np.squeeze", ["a"], {"axis": axis} if rng.random() < 0.3 else {}),
        "ravel": ("np.ravel", ["a"], {"order": repr(rng.choice("CFAK"))}),
        "flatten": ("a.flatten", [], {"order": repr(rng.choice("CFAK"))}),
        "reshape": ("np.reshape", ["a", str(rng.choice([(-1,), tuple(dims[::-1]), (1, -1), (2, -1), (0, -1)]))], {"order": repr(rng.choice("CFA"))}),
        "transpose": ("np.transpose", ["a"], {}),
        "item": ("a.item", [str(rng.randint(-2, 2))], {}),
        "tolist": ("a.tolist", [], {}),
        "where": ("np.where", ["a", "a", scalar(rng)], {}),
        "putmask": ("np.putmask", ["a", "np.arange(a.size).reshape(a.shape) % 2", scalar(rng)], {}),
        "place": ("np.place", ["a", "np.arange(a.size).reshape(a.shape) % 2", f"[{scalar(rng)}]"], {}),
        "copyto": ("np.copyto", ["a", scalar(rng)], {"casting": repr(rng.choice(["no", "safe", "same_kind", "unsafe"]))}),
        "choose": ("np.choose", [where, "[a, a]"], {"mode": mode}),
        "unique": ("np.unique", ["a"], {"return_inverse": "True", "return_counts": "True"}),
        "roll": ("np.roll", ["a", str(rng.randint(-3, 3))], {"axis": axis}),
        "flip": ("np.flip", ["a"], {"axis": axis}),
        "concatenate": ("np.concatenate", ["(a, a)"], {"axis": axis} | ({"dtype": repr(dtype(rng))} if rng.random() < 0.3 else {})),
        "stack": ("np.stack", ["(a, a)"], {"axis": axis}),
        "extract": ("np.extract", ["np.arange(a.size) % 2", "a"], {}),
        "count_nonzero": ("np.count_nonzero", ["a"], {"axis": axis}),
        "clip": ("np.clip", ["a", scalar(rng), scalar(rng)], {}),
        "round": ("np.round", ["a", str(rng.randint(-2, 3))], {}),
        "byteswap": ("a.byteswap", [], {}),
        "resize": ("np.resize", ["a", str((rng.randint(0, 3), rng.randint(0, 3)))], {}),
        "fill": ("a.fill", [scalar(rng)], {}),
        "lexsort": ("np.lexsort", ["(a, a)"], {}),
        "mean": ("np.mean", ["a"], {"axis": axis}),
        "var": ("np.var", ["a"], {"axis": axis, "ddof": str(rng.randint(0, 1))}),
        "sum": ("np.sum", ["a"], {"axis": axis}),
        "prod": ("np.prod", ["a"], {"axis": axis}),
        "min": ("np.min", ["a"], {"axis": axis}),
        "max": ("np.max", ["a"], {"axis": axis}),
        "any": ("np.any", ["a"], {"axis": axis}),
        "all": ("np.all", ["a"], {"axis": axis}),
        "conj": ("a.conj", [], {}),
        "dot": ("np.dot", ["a", scalar(rng)], {}),
        "view": ("a.view", [repr(dtype(rng, "all"))], {}),
    }  # fmt: skip
    call, args, kwargs = extra[name]
    return {"arrays": arrays, "call": call, "args": args, "kwargs": kwargs}

"""Cases of generalized ufuncs: axes, axis, keepdims, results that overlap operands, loops that are asked for."""

from generate import array, dtype, quoted, scalar, writable

SIGNATURES = {"matmul": ("nm", "mk", "nk"), "vecdot": ("m", "m", ""), "matvec": ("nm", "m", "n"), "vecmat": ("m", "mk", "k")}


def case(rng):
    name = rng.choice(list(SIGNATURES))
    size = {letter: rng.choice([0, 1, 2, 2, 3, 5]) for letter in "nmk"}
    stack = rng.choice([[], [], [2], [3], [1, 3], [2, 2], [0]])
    kind = dtype(rng, "ufunc")
    arrays, kwargs, ndims = {}, {}, []
    # Where the core axes of each operand are, when they are not the last ones.
    moved = rng.random() < 0.4
    places = []
    for operand, core in zip("abo", SIGNATURES[name]):
        outer = stack if rng.random() < 0.7 or operand == "o" else stack[len(stack) - rng.randint(0, len(stack)) :]
        outer = [1 if rng.random() < 0.1 and operand != "o" else d for d in outer]
        inner = [size[c] if rng.random() < 0.98 else size[c] + 1 for c in core]
        ndim = len(outer) + len(inner)
        spots = rng.sample(range(ndim), len(inner)) if moved else list(range(len(outer), ndim))
        dims, rest = [0] * ndim, iter(outer)
        for i in range(ndim):
            dims[i] = inner[spots.index(i)] if i in spots else next(rest)
        places.append([s - ndim if rng.random() < 0.4 else s for s in spots])
        ndims.append(ndim)
        if operand != "o":
            other = kind if rng.random() < 0.7 else dtype(rng, "ufunc")
            arrays[operand] = array(rng, other, dims, whole=True)
        elif rng.random() < 0.3:
            arrays["o"] = writable(array(rng, kind if rng.random() < 0.6 else dtype(rng, "ufunc"), dims, whole=True))
            kwargs["out"] = rng.choice(["o", "(o,)"])
    if rng.random() < 0.05:
        arrays["b"] = {"view": rng.choice(["a", "a.T", "a[::-1]"]) if ndims[0] else "a"}
    if rng.random() < 0.08 and "out" not in kwargs:
        arrays["a"] = writable(arrays["a"])
        # numpy 2.4.6 overwrites vectors that it still reads.
        if ndims[0] > 1:
            kwargs["out"] = rng.choice(["a", "a[...]", "a.T"])
    if moved:
        lists = [f"({', '.join(map(str, p))},)" if len(p) != 1 or rng.random() < 0.7 else str(p[0]) for p in places]
        lists = [text if text != "(,)" else "()" for text in lists]
        if name == "vecdot" and rng.random() < 0.4:
            kwargs["axis"] = str(places[0][0])
        else:
            kwargs["axes"] = f"[{', '.join(lists if rng.random() < 0.7 or name != 'vecdot' else lists[:2])}]"
    if name == "vecdot" and rng.random() < 0.3:
        kwargs["keepdims"] = rng.choice(["True", "False"])
        if "axes" in kwargs and rng.random() < 0.7:
            kwargs["axes"] = kwargs["axes"].replace("()", "-1")
    elif rng.random() < 0.04:
        kwargs[rng.choice(["keepdims", "axis", "where"])] = rng.choice(["True", "0", "False", "None"])
    if rng.random() < 0.15:
        kwargs["dtype"] = quoted(dtype(rng, "ufunc"))
    if rng.random() < 0.12:
        kwargs["casting"] = repr(rng.choice(["no", "equiv", "safe", "same_kind", "unsafe", "unsafe"]))
    if rng.random() < 0.12:
        kwargs["order"] = repr(rng.choice("CFAK"))
    if rng.random() < 0.04:
        kwargs["signature"] = rng.choice(["'dd->d'", "'ff->f'", "'FF->F'", "('l', 'l', 'l')", "(None, None, 'd')", "'OO->O'"])
        kwargs.pop("dtype", None)
    if rng.random() < 0.03:
        kwargs["subok"] = "False"
    args = ["a", "b"]
    if rng.random() < 0.02:
        args[rng.randrange(2)] = scalar(rng)
    return {"call": f"np.{name}", "arrays": arrays, "args": args, "kwargs": kwargs}

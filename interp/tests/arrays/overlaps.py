"""Cases where results and operands share memory: calls, folds and updates in place, with views that lie over each other."""

from generate import array, dtype, quoted, scalar, writable
from ufuncs import BINARY, FOLDED, UNARY

# What a mask leaves out, and what is written twice, depends on no order here.
VIEWS = ["a", "a[::-1]", "a.T", "a[1:]", "a[:-1]", "a[::2]", "a[:1]", "a[-1:]", "a[...]", "a[:, ::-1]", "a[1:, 1:]", "a[:-1, :-1]", "a[None]", "a[0]", "a[-1]", "a[:, 0]", "a.view(a.dtype)",
         "a.reshape(-1)", "a.real", "a.imag", "a.byteswap().view(a.dtype.newbyteorder())", "a.view(a.dtype.newbyteorder())", "a.swapaxes(0, -1)", "np.broadcast_to(a[:1], a.shape)",
         "np.diagonal(a)", "a.flat", "a.view(np.matrix)", "a.view(np.ma.MaskedArray)"]  # fmt: skip


def case(rng):
    kind = dtype(rng, "ufunc")
    side = rng.choice([1, 2, 3, 4, 5, 8, 17])
    dims = rng.choice([[side], [side, side], [side, side], [2, side, 2], [33], [side, 3]])
    arrays = {"a": writable(array(rng, kind, dims))}
    # What swapping makes of long doubles is no number, and numpy 2.4.6 swaps dates without a unit in casts only, not in ufuncs.
    views = [v for v in VIEWS if "byteorder" not in v] if kind[-1] in "gG" or kind in ("m8", "M8") else VIEWS
    view = lambda: rng.choice(views)  # noqa: E731
    pick = rng.random()
    if pick < 0.15:
        return {"arrays": arrays, "call": f"np.{rng.choice(UNARY)}", "args": [view()], "kwargs": {"out": view()}}
    if pick < 0.45:
        other = view() if rng.random() < 0.8 else scalar(rng)
        kwargs = {"out": view()}
        if rng.random() < 0.2:
            kwargs["where"] = rng.choice(["a.astype(bool)", "np.arange(a.shape[-1]) % 2 == 0", "True"])
        if rng.random() < 0.15:
            kwargs["dtype"] = quoted(dtype(rng, "ufunc"))
            kwargs["casting"] = "'unsafe'"
        return {"arrays": arrays, "call": f"np.{rng.choice(BINARY)}", "args": [view(), other], "kwargs": kwargs}
    if pick < 0.6:
        operator = rng.choice(["+=", "-=", "*=", "/=", "//=", "%=", "**=", "&=", "|=", "^=", "<<=", ">>=", "="])
        return {"arrays": arrays, "lines": [f"v = {view()}", f"v[...] {operator} {view()}", "a"]}
    if pick < 0.65:
        return fancy(rng, arrays, dims, view)
    if pick < 0.7:
        indices = [rng.randrange(-dims[0], dims[0]) for _ in range(rng.randint(0, 6))]
        index = rng.choice([str(indices), f"np.array({indices}, 'i1')", f"(np.array({indices}, 'p'), ...)", "a.astype(bool)", "np.argsort(a, axis=0, kind='stable')", f"np.array({indices}, '>i4')", "::-1", "slice(1, None)", "(0,)",
                            f"(np.array({indices}, 'p')[:, None], slice(None))", "True", "None"])  # fmt: skip
        if rng.random() < 0.5:
            operator = rng.choice(["+=", "-=", "*=", "=", "|=", "/="])
            value = rng.choice([view(), scalar(rng), f"a[{index}]", f"a[::-1][{index}]"])
            return {"arrays": arrays, "lines": [f"a[{index}] {operator} {value}", "a"]}
        name = rng.choice(BINARY + ["negative", "square", "invert"])
        args = ["a", index if ":" not in index or "(" in index else "slice(None, None, -1)"]
        if name in BINARY:
            args.append(rng.choice([view(), scalar(rng), f"a[{index}]"]))
        return {"arrays": arrays, "lines": [f"np.{name}.at({', '.join(args)})", "a"]}
    name = rng.choice(FOLDED)
    axis = rng.choice(["0", "-1", "0"])
    if pick < 0.8:
        return {"arrays": arrays, "call": f"np.{name}.accumulate", "args": [view()], "kwargs": {"axis": axis, "out": view()}}
    if pick < 0.88:
        indices = [rng.randrange(dims[0]) for _ in range(rng.randint(1, 4))]
        kwargs = {} if rng.random() < 0.5 else {"out": rng.choice([f"a[:{len(indices)}]", view()])}
        return {"arrays": arrays, "call": f"np.{name}.reduceat", "args": [view(), str(indices)], "kwargs": kwargs}
    kwargs = {"axis": rng.choice(["0", "-1", "None", "(0, -1)", "()"]), "out": rng.choice(["a[0]", "a[:1]", "a[..., 0]", "a[..., :1]", "a", "np.empty((), a.dtype)", "a[0, 0]", "a[:1, :1]", "a[-1]"])}
    if rng.random() < 0.4:
        kwargs["keepdims"] = "True"
    if rng.random() < 0.3:
        kwargs["initial"] = scalar(rng)
    if rng.random() < 0.3:
        kwargs["where"] = rng.choice(["a.astype(bool)", "np.arange(a.shape[-1]) % 2 == 0", "True", "[True]"])
    if rng.random() < 0.2:
        kwargs["dtype"] = quoted(dtype(rng, "ufunc"))
    return {"arrays": arrays, "call": f"np.{name}.reduce", "args": [view()], "kwargs": kwargs}


def fancy(rng, arrays, dims, view):
    """Updates through index arrays and masks, of what the same arrays and others pick out of the same memory."""
    count = rng.randint(0, 5)
    picked = lambda axis: str([rng.randrange(-dims[axis], dims[axis]) for _ in range(count)])  # noqa: E731
    last = len(dims) - 1
    several = ", ".join(f"np.array({picked(axis)}, {rng.choice(['p', 'p', 'i2', '>i4'])!r})" for axis in range(last + 1))
    kinds = lambda: rng.choice([  # noqa: E731
        f"a[{several}]", f"a[{picked(0)}]", f"a[..., {picked(last)}]", f"a[::-1][{picked(0)}]", f"a.T[{picked(last)}]", "a[a != 0]", "a[np.arange(a.size).reshape(a.shape) % 3 == 0]",
        "a[np.arange(a.shape[0]) % 2 == 0]", f"a[np.ix_({', '.join(picked(axis) for axis in range(last + 1))})]", f"a[None, {picked(0)}]", f"a[{picked(0)}, ..., None]", f"a[1:][{[0] * count}]" if dims[0] > 1 else "a[[0]]",
        f"a.flat[{picked(0)}]",
    ])  # fmt: skip
    operator = rng.choice(["=", "=", "+=", "-=", "*=", "|=", "//=", "**="])
    return {"arrays": arrays, "lines": [f"{kinds()} {operator} {rng.choice([kinds, kinds, view])()}", "a"]}

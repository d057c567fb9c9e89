"""Cases of casts, promotion and coercion, between every pair of dtypes."""

from generate import array, compatible, dtype, quoted, scalar, shape, writable

RULES = ["no", "equiv", "safe", "same_kind", "unsafe", "unsafe", "unsafe", "same_value"]


def case(rng):
    kind, to, dims = dtype(rng, "all"), dtype(rng, "all"), shape(rng)
    arrays = {"a": array(rng, kind, dims)}
    made = {"arrays": arrays, "kwargs": {}}
    pick = rng.random()
    if pick < 0.4:
        made |= {"call": "a.astype", "args": [quoted(to)]}
        if rng.random() < 0.3:
            made["kwargs"]["casting"] = repr(rng.choice(RULES))
        if rng.random() < 0.2:
            made["kwargs"]["order"] = repr(rng.choice("CFAK"))
        if rng.random() < 0.1:
            made["kwargs"]["copy"] = "False"
    elif pick < 0.6:
        arrays["b"] = writable(array(rng, to, dims))
        arrays["a"]["shape"] = compatible(rng, dims)
        fixed(arrays["a"])
        made |= {"call": "np.copyto", "args": ["b", "a"], "kwargs": {"casting": repr(rng.choice(RULES))}}
        if rng.random() < 0.3:
            arrays["w"] = array(rng, "?", compatible(rng, dims))
            made["kwargs"]["where"] = "w"
    elif pick < 0.7:
        arrays["b"] = writable(array(rng, to, dims))
        return {"arrays": arrays, "lines": [f"b[...] = {'a' if rng.random() < 0.7 else scalar(rng)}", "b"]}
    elif pick < 0.78:
        return {"arrays": {}, "lines": [f"np.can_cast({quoted(kind)}, {quoted(to)}, {rng.choice(RULES)!r})"]}
    elif pick < 0.86:
        return {"arrays": {}, "lines": [f"np.promote_types({quoted(kind)}, {quoted(to)})"]}
    elif pick < 0.9:
        arrays = {"a": array(rng, kind, dims)}
        return {"arrays": arrays, "lines": [f"np.result_type(a, {scalar(rng)}, np.dtype({quoted(to)}))"]}
    else:
        values = [scalar(rng) for _ in range(rng.randint(0, 3))]
        text = f"[{', '.join(values)}]" if rng.random() < 0.8 else scalar(rng)
        if rng.random() < 0.2:
            text = rng.choice(["'12'", "['1', 'x']", "[b'3', 4]", "'2001-01-01'", "[[1], [2, 3]]", "[1, [2]]", "[[], []]", "()", "{}", "[a, a]",
                               "[a, 1]", "[None, 1]", "np.datetime64('2001-01-01')", "[np.timedelta64(3, 's'), 4]", "[(1, 2), (3, 4)]", "(1, 2)"])  # fmt: skip
        made |= {"call": "np.array", "args": [text]}
        if rng.random() < 0.7:
            made["kwargs"]["dtype"] = quoted(to)
        if rng.random() < 0.1:
            made["kwargs"]["ndmin"] = "2"
    return made


def fixed(spec):
    """Steps and order for a shape that was changed afterwards."""
    ndim = len(spec["shape"])
    spec["steps"] = ([*spec["steps"], *[1] * ndim])[:ndim]
    spec["order"] = list(range(ndim))[::-1]

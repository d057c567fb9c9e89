"""Cases of structured dtypes: casts, assignment, indexing and comparison of records nested, packed, swapped and overlapping."""

from generate import TEXTS, TIMES, array, compatible, dtype, quoted, scalar, shape, writable

LEAVES = ["i1", "u2", ">i4", "<i8", "f2", "f4", ">f8", "?", "c8", "S3", "U2", ">U2", "V3", "M8[s]", ">m8[ms]", "O"]
NAMES = ["a", "b", "c", "x"]


def record(rng, depth=0, objects=True):
    """The text of a structured dtype."""
    count = rng.choice([1, 2, 2, 3])
    names = rng.sample(NAMES, count)
    formats, sizes = [], []
    for _ in range(count):
        text = leaf(rng, depth, objects)
        formats.append(text)
    pick = rng.random()
    if pick < 0.55:
        fields = []
        for name, text in zip(names, formats):
            key = f"('t{name}', '{name}')" if rng.random() < 0.1 else f"'{name}'"
            fields.append(f"({key}, {text}, {sub(rng)})" if rng.random() < 0.15 else f"({key}, {text})")
        return f"[{', '.join(fields)}]"
    if pick < 0.75:
        return f"np.dtype([{', '.join(f'({n!r}, {t})' for n, t in zip(names, formats))}], align=True)"
    # Fields with holes between them and behind the last; without objects they may lie in any order.
    offsets, at = [], rng.choice([0, 0, 1, 4])
    for _ in names:
        offsets.append(at)
        at += 40 + rng.choice([0, 1, 8])
    if rng.random() < 0.3:
        offsets.reverse()
    formats = [t if "'O'" not in t else "'i4'" for t in formats]
    formats = [t if len(t) < 12 else "'f8'" for t in formats]
    return f"{{'names': {names}, 'formats': [{', '.join(formats)}], 'offsets': {offsets}, 'itemsize': {at + rng.choice([0, 3, 8])}}}"


def leaf(rng, depth, objects):
    if depth < 2 and rng.random() < 0.15:
        text = record(rng, depth + 1, objects)
        return text
    text = rng.choice(LEAVES)
    return repr(text if objects or text != "O" else "i4")


def sub(rng):
    return rng.choice(["(2,)", "2", "(1,)", "(2, 2)", "(3,)"])


def changed(rng, text):
    """Another dtype with the same fields or nearly so."""
    pick = rng.random()
    if pick < 0.35:
        for old in rng.sample(LEAVES, 6):
            if repr(old) in text and old != "O":
                return text.replace(repr(old), repr(rng.choice(LEAVES[:12])))
    if pick < 0.5:
        return f"np.dtype({text}).newbyteorder()"
    if pick < 0.6:
        return text.replace("'a'", "'z'")
    if pick < 0.8:
        return record(rng)
    return rng.choice(["'i4'", "'f8'", "'S8'", "'U30'", "'V8'", "'O'", "'V'", "'S'", "'?'", "'>f4'"])


def case(rng):
    kind, dims = record(rng, objects=rng.random() < 0.15), shape(rng, 2)
    while "'O'" in kind and not kind.startswith("["):
        kind = record(rng, objects=False)
    spec = array(rng, "V", dims) | {"dtype": f"np.dtype({kind})"}
    if "'O'" in kind:
        return objects(rng, kind, dims)
    arrays = {"a": writable(spec)}
    to = changed(rng, kind)
    if "'O'" in to and to != "'O'":
        to = to.replace("'O'", "'i4'")
    pick = rng.random()
    if pick < 0.25:
        kwargs = {}
        if rng.random() < 0.3:
            kwargs["casting"] = repr(rng.choice(["no", "equiv", "safe", "same_kind", "unsafe"]))
        return {"arrays": arrays, "call": "a.astype", "args": [to], "kwargs": kwargs}
    if pick < 0.4 and to not in ("'O'", "'V'", "'S'"):
        arrays["b"] = writable(array(rng, "V", dims) | {"dtype": f"np.dtype({to})"})
        arrays["a"] |= {"shape": compatible(rng, dims)}
        ndim = len(arrays["a"]["shape"])
        arrays["a"] |= {"steps": [1] * ndim, "order": list(range(ndim))[::-1]}
        if rng.random() < 0.5:
            return {"arrays": arrays, "lines": ["b[...] = a", "b"]}
        rule = rng.choice(["no", "equiv", "safe", "same_kind", "unsafe"])
        return {"arrays": arrays, "call": "np.copyto", "args": ["b", "a"], "kwargs": {"casting": repr(rule)}}
    if pick < 0.5:
        call = rng.choice(["np.can_cast", "np.promote_types", "np.result_type", "(lambda x, y: np.dtype(x) == np.dtype(y))"])
        return {"arrays": {}, "lines": [f"{call}(np.dtype({kind}), np.dtype({to}))"]}
    if pick < 0.6:
        # From Python objects.
        value = rng.choice(["(1,)", "(1, 2)", "(1, 2, 3)", "[(1, 2), (3, 4)]", "[1, 2]", "5", "'ab'", "b'x'", "1.5", "None", "[(1, 2), 3]", "()",
                            "((1, 2), 3)", "(1, (2, 3))", "[[(1, 2)], [(3, 4)]]", "(1, [2, 3])", "[]", "[()]"])  # fmt: skip
        return {"arrays": {}, "lines": [f"np.array({value}, {kind})"]}
    if pick < 0.75:
        return indexed(rng, arrays, kind)
    if pick < 0.85:
        other = kind if rng.random() < 0.6 else to
        if other in ("'O'", "'V'", "'S'"):
            other = kind
        arrays["b"] = array(rng, "V", compatible(rng, dims)) | {"dtype": f"np.dtype({other})"}
        return {"arrays": arrays, "lines": [f"a {rng.choice(['==', '!=', '==', '<', '+'])} b"]}
    lines = rng.choice([
        ["a.tolist()"], ["a.copy()"], ["a.view('u1') if a.ndim else 0"], ["np.concatenate([a.ravel(), a.ravel()])"], ["np.where(True, a, a)"],
        ["a.byteswap()"], ["np.sort(a, axis=None, kind='stable')"], ["np.argsort(a, axis=None, kind='stable')"], ["a.dtype.descr"], ["repr(a.dtype)"], ["repr(a)"], ["str(a)"],
        ["np.unique(a)"], ["np.nonzero(a)"], ["a.fill(0)", "a"], ["a.fill((1,))", "a"], ["np.zeros_like(a)"], ["np.ones_like(a)"], ["np.full(2, 3, a.dtype)"], ["a.astype(bool)"],
        ["a.dtype.isalignedstruct, a.dtype.alignment, a.dtype.hasobject, a.dtype.flags, a.dtype.itemsize, a.dtype.str"],
        ["a.dtype.fields"], ["import pickle", "pickle.loads(pickle.dumps(a))"], ["import copy", "copy.deepcopy(a)"], ["memoryview(a).format"], ["np.asarray(memoryview(a))"],
        ["np.array([x for x in a.ravel()])"], ["np.array([a, a])"], ["hash(a.dtype) == hash(np.dtype(a.dtype.descr))"], ["a.ravel().searchsorted(a.ravel()[:1])"],
        ["from numpy.lib import recfunctions as r", "r.structured_to_unstructured(a)"], ["from numpy.lib import recfunctions as r", "r.repack_fields(a)"],
        ["a.item(0)"], ["a.ravel()[0]"], ["a.ravel()[0].item()"], ["a.ravel()[:1][0] == a.ravel()[0]"], ["a.view(np.recarray)"], ["np.rec.array(a)"], ["a.tobytes() == a.copy().tobytes()"],
        ["a.take([0, 0])"], ["a.repeat(2)"], ["np.lexsort([a.ravel()])"], ["np.isin(a, a)"], ["a.max()"], ["np.count_nonzero(a)"], ["a.any()"], ["np.empty((2, 0), a.dtype)"],
        ["a.reshape(-1)[::-1].copy()"], ["a.ravel()[0] = a.ravel()[-1]", "a"], ["np.may_share_memory(a, a.copy())"], ["np.dtype((a.dtype, (2,)))"], ["np.dtype([('n', a.dtype), ('m', a.dtype, 2)])"],
        ["np.array_equal(a, a)"], ["a.argmax()"], ["np.ma.array(a)"], ["a.getfield('i1', 0)"], ["a.setfield(1, 'i1', 0)", "a"],
    ])  # fmt: skip
    return {"arrays": arrays, "lines": lines}


def objects(rng, kind, dims):
    """Records that hold objects: they are made from tuples."""
    lines = [f"a = np.zeros({tuple(dims)}, {kind})", "f = a.dtype.names[-1]"]
    lines += rng.choice([
        ["a[f] = 3", "a.tolist()"], ["a.fill(0)", "a.tolist()"], ["b = a.copy()", "b[...] = a", "b.tolist()"], ["a.astype(object).tolist()"], ["a.astype(a.dtype.newbyteorder()).tolist()"],
        ["(a == a)"], ["np.concatenate([a.ravel(), a.ravel()]).tolist()"], ["a.dtype.hasobject, a.dtype.flags, a.dtype.itemsize"], ["a.ravel()[[0, 0]].tolist()"],
        ["a.view('u1')"], ["a[[f]].tolist()"], ["import pickle", "pickle.loads(pickle.dumps(a)).tolist()"], ["np.sort(a.ravel(), kind='stable').tolist()"], ["repr(a)"],
    ])  # fmt: skip
    return {"arrays": {}, "lines": lines}


def indexed(rng, arrays, kind):
    name = rng.choice(NAMES)
    where = rng.choice([f"[{name!r}]", f"[[{name!r}]]", f"[{['a', 'b']}]", f"[{name!r}][...]", f"[...][{name!r}]", f"[:1][{name!r}]", f"[0][{name!r}]", f"[[0]][{name!r}]",
                        f"[{['b', 'a']}]", "[0]", "[[0, 0]]", "[-1:]", "[a[a.dtype.names[0]] == 1]", "[...]", "[()]", "[a.dtype.names[0]]", "[list(a.dtype.names)]",
                        "[0][0]", "[:1]", "[a.dtype.names[-1]]", f"[0][[{name!r}]]", "['ta']", "[0]['ta']"])  # fmt: skip
    pick = rng.random()
    if pick < 0.45:
        return {"arrays": arrays, "lines": [f"a{where}"]}
    value = rng.choice(["a", "a[0]", "a[::-1]", "1", "(1,)", "(1, 2)", "[(1, 2)]", "'7'", "b'x'", "None", "a[...]", "a[a.dtype.names[0]]", "a[list(a.dtype.names)]", "1.5",
                        "a.ravel()[0].item()", "a.tolist()", "np.zeros((), a.dtype)", "np.void(b'abcdefgh')", "np.array((1,))", "True", "np.float32(2)", scalar(rng)])  # fmt: skip
    return {"arrays": arrays, "lines": [f"a{where} {'=' if rng.random() < 0.9 else '+='} {value}", "a"]}

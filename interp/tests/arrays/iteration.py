"""Cases of ``nditer``: its flags, what it shows of itself, and what is written through it."""

from generate import array, compatible, dtype, quoted, shape, writable

FLAGS = ["buffered", "c_index", "f_index", "multi_index", "external_loop", "common_dtype", "zerosize_ok", "reduce_ok", "refs_ok",
         "ranged", "grow_inner", "delay_bufalloc", "copy_if_overlap", "dont_negate_strides"]  # fmt: skip
ATTRIBUTES = ["shape", "ndim", "itersize", "iterrange", "nop", "has_index", "has_multi_index", "has_delayed_bufalloc", "finished",
              "dtypes", "iterindex", "iterationneedsapi"]  # fmt: skip


def case(rng):
    return reduction(rng) if rng.random() < 0.15 else any_iterator(rng)


def reduction(rng):
    """Several inputs folded into one output along axes that `op_axes` leaves out of it, mostly through buffers."""
    dims = [rng.choice([1, 2, 3, 4, 7]) for _ in range(rng.randint(1, 4))]
    ndim = len(dims)
    arrays, operands, axes = {}, [], []
    for name in "abc"[: rng.choice([1, 1, 2, 2, 3])]:
        # The iterator's axes that an operand has, in the order in which it has them.
        own = rng.sample(range(ndim), ndim if name == "a" or rng.random() < 0.5 else rng.randint(0, ndim))
        arrays[name] = array(rng, dtype(rng), [dims[d] if name == "a" or rng.random() < 0.9 else 1 for d in own])
        operands.append(name)
        axes.append(str([own.index(d) if d in own else -1 for d in range(ndim)]))
    kept = rng.sample(range(ndim), rng.randint(0, ndim))
    flags = [flag for flag in ["external_loop", "grow_inner", "delay_bufalloc", "copy_if_overlap", "zerosize_ok", "ranged", "dont_negate_strides"] if rng.random() < 0.25]
    flags += ["reduce_ok"] * (rng.random() < 0.95) + ["refs_ok"] + ["buffered"] * (rng.random() < 0.75)
    allocated = rng.random() < 0.3
    if allocated:
        operands.append("None")
        flags += ["delay_bufalloc"] * ("buffered" in flags and "delay_bufalloc" not in flags)
    else:
        arrays["o"] = writable(array(rng, dtype(rng), [dims[d] for d in kept]))
        operands.append("o")
    modes = [["readonly"] for _ in operands[1:]] + [["readwrite"] + ["allocate"] * allocated]
    if rng.random() < 0.1:
        modes[-1].append(rng.choice(["updateifcopy", "copy", "nbo", "aligned", "contig"]))
    axes.append(str([kept.index(d) if d in kept else -1 for d in range(ndim)]))
    kwargs = {"flags": str(flags), "op_flags": str(modes), "op_axes": f"[{', '.join(axes)}]"}
    if rng.random() < 0.5:
        kind = quoted(dtype(rng))
        kwargs["op_dtypes"] = f"[{', '.join(kind if rng.random() < 0.7 else 'None' for _ in operands)}]"
        kwargs["casting"] = repr(rng.choice(["unsafe", "unsafe", "same_kind"]))
    if rng.random() < 0.6:
        kwargs["buffersize"] = str(rng.choice([1, 2, 3, 5, 8, 16]))
    if rng.random() < 0.3:
        kwargs["order"] = repr(rng.choice("CFAK"))
    if rng.random() < 0.1:
        kwargs["itershape"] = str(tuple(rng.choice([d, d, -1]) for d in dims))
    arguments = ", ".join([f"[{', '.join(operands)}]"] + [f"{k}={v}" for k, v in kwargs.items()])
    lines = [f"it = np.nditer({arguments})", "seen = [(it.shape, it.ndim, it.itersize, it.dtypes)]"]
    if allocated:
        lines.append("it.operands[-1][...] = 0")
    if "delay_bufalloc" in flags:
        lines.append("it.reset()")
    if "ranged" in flags and "buffered" not in flags:
        # With buffers numpy 2.4.6 reads some that it has not filled.
        lines.append("it.iterrange = (it.itersize // 3, it.itersize * 2 // 3)")
    lines.append("for x in it:\n    seen.append((it.iterindex, [y.copy() for y in x]))\n    x[-1][...] = x[-1] + x[0]")
    return {"arrays": arrays, "lines": [*lines, "out = it.operands[-1].copy()", "it.close()", "seen += [out]", "seen"]}


def any_iterator(rng):
    dims, count = shape(rng), rng.randint(1, 3)
    arrays, operands, modes, dtypes = {}, [], [], []
    for i in range(count):
        name = "abc"[i]
        mode = rng.choice(["readonly"] * 4 + ["readwrite", "readwrite", "writeonly"])
        if i and rng.random() < 0.15:
            operands.append("None")
            modes.append(["writeonly", "allocate"])
        else:
            spec = array(rng, dtype(rng) if rng.random() < 0.8 else rng.choice(["O", "S3", "M8[s]"]), dims if i == 0 else compatible(rng, dims))
            arrays[name] = spec if mode == "readonly" else writable(spec)
            operands.append(name)
            modes.append([mode])
            if i and rng.random() < 0.05:
                arrays[name] = {"view": "a[::-1]" if dims else "a"}
        for flag in ["copy", "updateifcopy", "nbo", "aligned", "contig", "no_broadcast", "overlap_assume_elementwise"]:
            if rng.random() < 0.06:
                modes[-1].append(flag)
        dtypes.append("None" if rng.random() < 0.6 else quoted(dtype(rng)))
    if any("view" in s for s in arrays.values()):
        arrays["a"] = writable(arrays["a"])
    flags = [flag for flag in FLAGS if rng.random() < 0.13]
    if rng.random() < 0.5 and "buffered" not in flags:
        flags.append("buffered")
    if rng.random() < 0.6 and "refs_ok" not in flags:
        flags.append("refs_ok")
    if "ranged" in flags:
        # numpy 2.4.6 reads the index of an iterator with a range from memory that nobody set.
        flags = [flag for flag in flags if flag not in ("c_index", "f_index")]
    if all(d == 1 for spec in arrays.values() for d in spec.get("shape", [])):
        # Nor does it set how the index moves where there is one element, so axes merge or do not.
        flags = [flag for flag in flags if flag not in ("c_index", "f_index")]
    kwargs = {"flags": str(flags), "op_flags": str(modes)}
    if any(d != "None" for d in dtypes):
        kwargs["op_dtypes"] = f"[{', '.join(dtypes)}]"
    if rng.random() < 0.4:
        kwargs["order"] = repr(rng.choice("CFAK"))
    if rng.random() < 0.5:
        kwargs["casting"] = repr(rng.choice(["no", "equiv", "safe", "same_kind", "unsafe", "unsafe", "unsafe"]))
    if rng.random() < 0.3:
        kwargs["buffersize"] = str(rng.choice([1, 2, 3, 5, 16, 1000]))
    if rng.random() < 0.15:
        axes = []
        for operand in operands:
            width = len(arrays[operand]["shape"]) if operand in arrays and "shape" in arrays[operand] else len(dims)
            order = list(range(width)) + [-1] * (len(dims) - width)
            rng.shuffle(order)
            axes.append(str(order[: len(dims)]) if rng.random() < 0.8 else "None")
        kwargs["op_axes"] = f"[{', '.join(axes)}]"
    if rng.random() < 0.05:
        kwargs["itershape"] = str(tuple(d if rng.random() < 0.7 else -1 for d in dims))
    arguments = ", ".join([f"[{', '.join(operands)}]"] + [f"{k}={v}" for k, v in kwargs.items()])
    source = "x[0]" if modes[0][0] != "writeonly" else "1"
    write = [f"for w in {[i for i, m in enumerate(modes) if m[0] != 'readonly']}: x[w][...] = {source}"]
    # What a write-only operand holds before it is written to is not defined.
    read = [i for i, m in enumerate(modes) if m[0] != "writeonly"]
    return {"arrays": arrays, "lines": [f"it = np.nditer({arguments})", "seen = []", *walk(rng, flags, read, write, len(modes)), "seen"]}


def walk(rng, flags, read, write, count):
    """Statements that go through the iterator `it`; `read` are the operands to look at."""
    shown = ", ".join(f"it.{name}" for name in ATTRIBUTES)
    lines = [f"seen.append(({shown}))"]
    # numpy 2.4.6 starts an iterator that has lost its multi-index although its buffers wait for a reset.
    if "delay_bufalloc" in flags and (rng.random() < 0.8 or "multi_index" in flags):
        lines.append("it.reset()")
    # Nor does it plan anew which axes pass through its buffers, and then reads other elements.
    if "multi_index" in flags and "buffered" not in flags and rng.random() < 0.2:
        # What is not walked of a new output is anything.
        removes = rng.random() < 0.3 and len(read) == count
        lines.append("it.remove_axis(0)" if removes else "it.remove_multi_index()")
    # What is outside the range of write-only operands is not defined either.
    if "ranged" in flags and "reduce_ok" not in flags and len(read) == count:
        lines.append("it.iterrange = (it.itersize // 3, it.itersize * 2 // 3)")
    where = "it.iterindex"
    if "multi_index" in flags and "remove" not in str(lines):
        where = "it.multi_index"
    elif {"c_index", "f_index"} & set(flags) and "buffered" not in flags:
        # numpy 2.4.6 reads past its memory when it is asked for the index of a buffered iterator.
        where = "it.index"
    indented = "\n    ".join([f"seen.append(({where}, [x[i].copy() for i in {read}]))", *write])
    lines.append(f"for x in it:\n    x = x if isinstance(x, tuple) else (x,)\n    {indented}")
    lines.append("outs = [y.copy() for y in it.operands]")
    lines.append("it.close()")
    lines.append("seen += outs")
    return lines


def nested(rng):
    """Iterators within iterators."""
    dims = [rng.choice([0, 1, 2, 3, 4]) for _ in range(rng.randint(1, 4))]
    arrays = {"a": writable(array(rng, dtype(rng), dims))}
    operands, modes = ["a"], [[rng.choice(["readonly", "readwrite"])]]
    if rng.random() < 0.5:
        arrays["b"] = writable(array(rng, dtype(rng), compatible(rng, dims)))
        operands.append("b")
        modes.append([rng.choice(["readonly", "readonly", "readwrite"])])
    axes, levels = list(range(len(dims))), []
    rng.shuffle(axes)
    cuts = sorted(rng.randint(0, len(axes)) for _ in range(rng.randint(1, 2)))
    for first, last in zip([0, *cuts], [*cuts, len(axes)]):
        levels.append(axes[first:last])
    if rng.random() < 0.05:
        levels[0] = levels[0] + [rng.choice([0, len(dims), -1])]
    # What an index is at the end of an axis of length one, or with a range, is anything.
    flags = [flag for flag in FLAGS if rng.random() < 0.12 and flag not in ("c_index", "f_index")]
    kwargs = {"flags": str(flags), "op_flags": str(modes)}
    if rng.random() < 0.3:
        kwargs["order"] = repr(rng.choice("CFAK"))
    if rng.random() < 0.3:
        kwargs["op_dtypes"] = f"[{', '.join(quoted(dtype(rng)) if rng.random() < 0.5 else 'None' for _ in operands)}]"
        kwargs["casting"] = repr(rng.choice(["unsafe", "same_kind", "safe"]))
    if rng.random() < 0.2:
        kwargs["buffersize"] = str(rng.choice([1, 2, 5]))
    arguments = ", ".join([f"[{', '.join(operands)}]", str(levels)] + [f"{k}={v}" for k, v in kwargs.items()])
    lines = [f"its = np.nested_iters({arguments})", "seen = [(it.shape, it.ndim, it.itersize, it.dtypes) for it in its]"]
    body = "x = x if isinstance(x, tuple) else (x,); seen.append([y.copy() for y in x])"
    writes = [i for i, m in enumerate(modes) if m[0] == "readwrite"]
    body += "".join(f"; x[{i}][...] = x[0] + 1" for i in writes)
    text, depth = "", 0
    for depth in range(len(levels) - 1):
        text += "    " * depth + f"for _ in its[{depth}]:\n"
    depth = len(levels) - 1
    lines.append(text + "    " * depth + f"for x in its[{depth}]: {body}")
    lines += ["for it in its: it.close()", "seen"]
    return {"arrays": arrays, "lines": lines}

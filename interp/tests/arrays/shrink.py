"""Make a case smaller as long as it still differs."""

import copy


def smaller(case):
    """Cases that are one step simpler."""
    for name in case.get("kwargs", {}):
        less = copy.deepcopy(case)
        del less["kwargs"][name]
        if name == "out":
            # Without an output a mask leaves elements of a new array as they are: anything.
            less["kwargs"].pop("where", None)
        yield less
    for i in range(len(case.get("index", []))):
        less = copy.deepcopy(case)
        del less["index"][i]
        yield less
    text = str([case.get("args"), case.get("kwargs"), case.get("lines"), [s.get("view") for s in case["arrays"].values()]])
    for name, spec in case["arrays"].items():
        if len(name) == 1 and f"{name}" not in text:
            less = copy.deepcopy(case)
            del less["arrays"][name]
            yield less
    for name, spec in case["arrays"].items():
        if "view" in spec:
            continue
        for better in simpler(spec):
            yield case | {"arrays": case["arrays"] | {name: better}}
    dims = {tuple(s["shape"]) for s in case["arrays"].values() if "shape" in s}
    for length in {d for shape in dims for d in shape if d > 2}:
        for new in {2, length // 2}:
            less = copy.deepcopy(case)
            for spec in less["arrays"].values():
                if "shape" in spec:
                    spec["shape"] = [new if d == length else d for d in spec["shape"]]
            yield less


def simpler(spec):
    ndim = len(spec["shape"])
    if spec["steps"] != [1] * ndim:
        yield spec | {"steps": [1] * ndim}
    for axis in range(ndim):
        if spec["steps"][axis] not in (1, -1):
            yield spec | {"steps": [1 if i == axis else s for i, s in enumerate(spec["steps"])]}
    plain = list(range(ndim))[::-1]
    if spec["order"] != plain:
        yield spec | {"order": plain}
    if spec["shift"]:
        yield spec | {"shift": 0}
    if spec["special"]:
        yield spec | {"special": False}
    for axis in range(ndim):
        rest = [o - (o > axis) for o in spec["order"] if o != axis]
        yield spec | {"shape": without(spec["shape"], axis), "steps": without(spec["steps"], axis), "order": rest}
        if spec["shape"][axis] > 1:
            yield spec | {"shape": [1 if i == axis else d for i, d in enumerate(spec["shape"])]}
    for mark in "<>":
        if mark in spec["dtype"]:
            yield spec | {"dtype": spec["dtype"].replace(mark, "")}


def without(items, i):
    return items[:i] + items[i + 1 :]


def shrunk(case, differs, rounds=200):
    """The smallest case found; `differs` says which of many cases do."""
    while rounds > 0:
        rounds -= 1
        candidates = list(smaller(case))
        found = next((c for c, yes in zip(candidates, differs(candidates)) if yes), None)
        if found is None:
            return case
        case = found
    return case

"""One system in one process, timing what it is told to: ``worker.py SYSTEM SUITE``.

Reads one JSON request a line from standard input and answers each with one JSON line:

    {"case": NAME, "seconds": S}  ->  {"first": seconds of the first call ever, "seconds": per call, "result": digest}

Arguments are made afresh for every call, outside the time taken: cases write to their arrays. A system that cannot run a
case answers {"unsupported": why}.
"""

import hashlib
import importlib
import json
import sys
import time


class Numpy:
    def __init__(self):
        import numpy

        self.np = numpy
        self.version = numpy.__version__

    def array(self, items, dtype, shape=None):
        array = self.np.array(items, dtype)
        return array if shape is None else array.reshape(shape)

    def compiled(self, function):
        return function


class Numba(Numpy):
    def __init__(self):
        super().__init__()
        import numba

        self.version = numba.__version__
        self.njit = numba.njit
        # What the compiler sets up once per process is nobody's first call.
        self.njit(lambda x: x + 1.0)(1.0)

    def compiled(self, function):
        return self.njit(function)


class Pypy:
    """Lists in place of arrays, and a list with a shape where a case has several axes."""

    def __init__(self):
        if sys.implementation.name != "pypy":
            raise ImportError("not PyPy")
        self.version = ".".join(map(str, sys.pypy_version_info[:3]))

    def array(self, items, dtype, shape=None):
        return list(items) if shape is None else {2: Grid, 3: Block}[len(shape)](list(items), shape)

    def compiled(self, function):
        return function


class Grid:
    def __init__(self, items, shape):
        self.items, self.shape, self.columns = items, shape, shape[1]

    def __getitem__(self, at):
        return self.items[at[0] * self.columns + at[1]]

    def __setitem__(self, at, value):
        self.items[at[0] * self.columns + at[1]] = value


class Block:
    def __init__(self, items, shape):
        self.items, self.shape, self.rows, self.columns = items, shape, shape[1], shape[2]

    def __getitem__(self, at):
        return self.items[(at[0] * self.rows + at[1]) * self.columns + at[2]]

    def __setitem__(self, at, value):
        self.items[(at[0] * self.rows + at[1]) * self.columns + at[2]] = value


SYSTEMS = {"numpy": Numpy, "micronumpy": Numpy, "off": Numpy, "numba": Numba, "pypy": Pypy}


def numbers(result):
    """All numbers of a result, as Python's."""
    if isinstance(result, tuple):
        return [x for part in result for x in numbers(part)]
    if isinstance(result, (Grid, Block)):
        return result.items
    if hasattr(result, "ravel"):
        return result.ravel().tolist()
    return list(result) if isinstance(result, list) else [result]


def digest(result):
    """A hash of the bits of everything, and some of the numbers for those who may differ in the last place."""
    values = [x.item() if hasattr(x, "item") else x for x in numbers(result)]
    text = ",".join(x.hex() if isinstance(x, float) else str(int(x)) for x in values)
    some = values[:: max(1, len(values) // 100)]
    return {"bits": hashlib.sha256(text.encode()).hexdigest(), "some": list(map(float, some))}


def measure(call, arguments, seconds):
    """Seconds per call, the best of those that fit into the time (at least one)."""
    best, begin = float("inf"), time.perf_counter()
    while True:
        fresh = arguments()
        at = time.perf_counter()
        call(*fresh)
        now = time.perf_counter()
        best = min(best, now - at)
        if now - begin > seconds:
            return best


def main():
    name, suite = sys.argv[1:]
    try:
        system = SYSTEMS[name]()
        cases = {case.name: case for case in importlib.import_module(suite).CASES}
    except ImportError as error:
        print(json.dumps({"unsupported": str(error)}), flush=True)
        return
    print(json.dumps({"ready": name, "version": system.version}), flush=True)
    prepared = {}
    for line in sys.stdin:
        request = json.loads(line)
        case = cases[request["case"]]

        def arguments(case=case):
            return case.inputs(system.array)

        answer = {}
        try:
            if case.name not in prepared:
                call = prepared[case.name] = system.compiled(case.function)
                fresh = arguments()
                begin = time.perf_counter()
                result = call(*fresh)
                answer["first"] = time.perf_counter() - begin
                answer["result"] = digest(result)
                del result
            answer["seconds"] = measure(prepared[case.name], arguments, request["seconds"])
        except Exception as error:
            answer = {"unsupported": f"{type(error).__name__}: {error}".split("\n")[0]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

"""One system in one process, timing what it is told to.

Reads one JSON request a line from standard input and answers each with one JSON line:

    {"case": NAME, "size": N, "dtype": D}      -> {"seconds": per call, "first": first call, "check": digest}
    {"latency": NAME, "dtype": D}              -> {"first": seconds of the first call in a state that never saw it}

A system that cannot run a case answers {"unsupported": why}.
"""

import json
import os
import sys
import time


class Unsupported(Exception):
    pass


class Numpy:
    def __init__(self):
        import numpy

        self.np = numpy
        self.version = numpy.__version__

    def prepare(self, case, arrays):
        args = [arrays[a] for a in case.args]
        return lambda: case.function(*args)


class Fused(Numpy):
    """micronumpy's explicit fusion."""

    def __init__(self):
        super().__init__()
        import micronumpy

        self.fuse = micronumpy.fuse
        self.version = micronumpy.__version__
        self.made = {}

    def prepare(self, case, arrays):
        args = [arrays[a] for a in case.args]
        function = self.made.get(case.name)
        if function is None:
            function = self.made[case.name] = self.fuse(case.function)
        return lambda: function(*args)


class Numexpr(Numpy):
    def __init__(self):
        super().__init__()
        import numexpr

        self.numexpr = numexpr
        self.version = numexpr.__version__
        numexpr.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

    def prepare(self, case, arrays):
        if case.text is None:
            raise Unsupported("numexpr has no such operation")
        args = {a: arrays[a] for a in case.args}
        return lambda: self.numexpr.evaluate(case.text, local_dict=args)


class Numba(Numpy):
    def __init__(self):
        super().__init__()
        import numba

        self.numba = numba
        self.version = numba.__version__
        self.parallel = os.environ.get("OMP_NUM_THREADS", "1") != "1"
        self.made = {}

    def prepare(self, case, arrays):
        args = [arrays[a] for a in case.args]
        function = self.made.get(case.name)
        if function is None:
            function = self.made[case.name] = self.numba.njit(case.function, parallel=self.parallel)
        return lambda: function(*args)


class Jax(Numpy):
    def __init__(self):
        super().__init__()
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax = jax
        self.numpy, self.np = self.np, jax.numpy
        self.version = jax.__version__
        self.made = {}

    def prepare(self, case, arrays):
        args = [self.jax.device_put(arrays[a]) for a in case.args]
        function = self.made.get(case.name)
        if function is None:
            function = self.made[case.name] = self.jax.jit(case.function)
        return lambda: function(*args).block_until_ready()


SYSTEMS = {"numpy": Numpy, "micronumpy": Numpy, "fuse": Fused, "numexpr": Numexpr, "numba": Numba, "jax": Jax}

#: A measurement lasts at least this long.
SLICE = 0.02


def measure(call):
    """Seconds per call: the best of three slices."""
    begin = time.perf_counter()
    call()
    once = time.perf_counter() - begin
    count = max(1, int(SLICE / max(once, 1e-7)))
    best = float("inf")
    for _ in range(3):
        begin = time.perf_counter()
        for _ in range(count):
            call()
        best = min(best, (time.perf_counter() - begin) / count)
    return best


def digest(result):
    """A few numbers that tell a wrong result."""
    import numpy

    result = numpy.asarray(result, dtype="f8")
    return [float(result.sum()), float(result.max()), float(result.flat[0])]


def main():
    system = SYSTEMS[sys.argv[1]]()
    import numpy
    from cases import cases, inputs

    table = {case.name: case for case in cases(system.np)}
    memory = {}
    print(json.dumps({"ready": sys.argv[1], "version": system.version}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        case = table[request["case"]]
        key = (request["size"], request["dtype"], case.two_d)
        if key not in memory:
            memory.clear()
            memory[key] = inputs(numpy, *key)
        try:
            call = system.prepare(case, memory[key])
            begin = time.perf_counter()
            result = call()
            first = time.perf_counter() - begin
            answer = {"first": first, "check": digest(result)}
            del result
            for _ in range(2):
                call()
            answer["seconds"] = measure(call)
        except Unsupported as why:
            answer = {"unsupported": str(why)}
        except Exception as error:
            answer = {"unsupported": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

"""Threads that compute large arrays at once: each gets what it would get alone, with its own error state, while others run."""

import threading
import time
import warnings

import numpy as np

N = 300_000
rng = np.random.default_rng(5)
a, b = rng.normal(size=N), rng.normal(size=N)
grid = a[: 500 * 600].reshape(500, 600)
small = rng.integers(-100, 100, N)
squares = rng.normal(size=(40, 60, 60))
objects = np.array([1, "x", None] * 60_000, "O")


def into(out, function, *args):
    function(*args, out=out)
    return out


JOBS = {
    "add": lambda: a + b,
    "strided": lambda: a[::2] * b[1::2],
    "transposed": lambda: grid.T + grid.T[::-1],
    "cast": lambda: small + a,
    "masked": lambda: np.multiply(a, b, where=small > 0, out=np.zeros(N)),
    "overlapping": lambda: (c := a.copy(), np.add(c[1:], c[:-1], out=c[1:]))[1],
    "sum": lambda: a.sum(),
    "axis": lambda: (grid.sum(axis=0), grid.max(axis=1), np.add.reduce(grid, axis=(0, 1), keepdims=True)),
    "integers": lambda: (small.prod(), small.mean(), (small // 7).max()),
    "matmul": lambda: (squares @ squares, grid @ grid.T),
    "linalg": lambda: (np.linalg.inv(squares), np.linalg.det(squares)),
    "halves": lambda: a.astype("e") * b.astype("e"),
    "objects": lambda: objects == 1,
    "floats to objects": lambda: np.add(a[:150_000].astype("O"), 1),
    "out": lambda: into(np.empty(N), np.hypot, a, b),
}


def bits(x):
    if isinstance(x, tuple):
        return [bits(y) for y in x]
    x = np.asarray(x)
    return x.dtype.str, x.shape, x.tolist() if x.dtype == object else x.tobytes()


expected = {name: bits(job()) for name, job in JOBS.items()}
wrong = []


def work(name, turns):
    for _ in range(turns):
        if bits(JOBS[name]()) != expected[name]:
            wrong.append(name)


threads = [threading.Thread(target=work, args=(name, 8)) for name in JOBS for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("wrong", wrong)

# A loop of compiled code looks for exceptions, for which it has to have the interpreter.
pdist = __import__("numpy._core._umath_tests", fromlist=["x"]).euclidean_pdist
points = rng.normal(size=(500, 30))
gaps = pdist(points, out=np.empty(500 * 499 // 2))
print("compiled", gaps.shape, bool(np.allclose(gaps[:499], np.hypot.reduce(points[0] - points[1:], axis=1))))

# What one thread is told, another is not.
outcomes = {}


def divide(how):
    zeros = np.zeros(N)
    with np.errstate(all=how):
        for _ in range(10):
            try:
                zeros / zeros
                outcomes.setdefault(how, set()).add("nothing")
            except FloatingPointError as error:
                outcomes.setdefault(how, set()).add(str(error))


threads = [threading.Thread(target=divide, args=(how,)) for how in ("ignore", "raise")]
with warnings.catch_warnings():
    warnings.simplefilter("error")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print(sorted(outcomes.items()))

# Others run while one computes: more often than it comes up for air.
ticks = []
done = threading.Event()


def ticking():
    while not done.is_set():
        ticks.append(1)
        time.sleep(0.0005)


thread = threading.Thread(target=ticking, daemon=True)
thread.start()
large = np.ones(20_000_000)
for _ in range(3):
    before = len(ticks)
    np.arctan(large)
    print("ticks meanwhile", len(ticks) - before > 3)
done.set()
thread.join()

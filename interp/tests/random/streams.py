"""Print a hash of what every generator and distribution gives: `streams.py COUNT`.

Draws are the same for the same seed or they are wrong, so there is nothing to compare but hashes. Each line is one call;
the state that a call leaves is hashed as well.
"""

import copy
import ctypes
import hashlib
import pickle
import sys
import warnings

import numpy as np

COUNT = int(sys.argv[1])
SOME = min(COUNT, 10_000)
warnings.simplefilter("ignore")


def digest(value):
    h = hashlib.sha256()

    def feed(v):
        if isinstance(v, np.ndarray) and v.dtype != object:
            h.update(f"{v.dtype.str}{v.shape}".encode() + np.ascontiguousarray(v).tobytes())
        elif isinstance(v, dict):
            for k in sorted(v):
                feed(k)
                feed(v[k])
        elif isinstance(v, (list, tuple, np.ndarray)):
            h.update(b"[")
            for item in v:
                feed(item)
        else:
            h.update(f"{type(v).__name__} {v!r}".encode())

    feed(value)
    return h.hexdigest()[:24]


def show(name, value):
    print(f">>> {name}: {value if isinstance(value, str) else digest(value)}")


def attempt(name, generator, call):
    """The outcome of a call, and the state after it."""
    try:
        outcome = digest(call())
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"
    source = generator.bit_generator if isinstance(generator, np.random.Generator) else generator._bit_generator
    show(name, f"{outcome} then {digest(source.state)}")


BIT_GENERATORS = [np.random.MT19937, np.random.PCG64, np.random.PCG64DXSM, np.random.Philox, np.random.SFC64]
SEEDS = [0, 1, 42, 2**32 - 1, 2**64 + 5, [1, 2, 3]]
INTS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]

#: Parameters of each distribution that both front ends know.
SHARED = {
    "beta": [(0.5, 0.5), (2.0, 3.0), (1e-3, 1e-3), (50.0, 1.0), (1.0, 1.0)],
    "binomial": [(10, 0.3), (100, 0.5), (1000, 0.01), (10**6, 0.9), (5, 0.0), (5, 1.0), (40, 0.75)],
    "chisquare": [(0.5,), (1.0,), (3.0,), (100.0,)],
    "exponential": [(1.0,), (0.0,), (2.5e9,)],
    "f": [(1.0, 2.0), (5.5, 20.0), (0.1, 0.1)],
    "gamma": [(0.1, 1.0), (1.0, 2.0), (2.5, 0.5), (1e5, 1e-5), (0.0, 1.0)],
    "geometric": [(0.01,), (0.3,), (0.3333,), (0.5,), (1.0,), (1e-12,)],
    "gumbel": [(0.0, 1.0), (-3.0, 0.1)],
    "hypergeometric": [(20, 30, 10), (5, 1000, 40), (10**6, 10**6, 1000), (7, 0, 3), (100, 100, 150)],
    "laplace": [(0.0, 1.0), (5.0, 100.0)],
    "logistic": [(0.0, 1.0), (-2.0, 30.0)],
    "lognormal": [(0.0, 1.0), (3.0, 0.25)],
    "logseries": [(0.01,), (0.5,), (0.99,)],
    "negative_binomial": [(1, 0.1), (5.5, 0.5), (100, 0.99)],
    "noncentral_chisquare": [(0.5, 1.0), (3.0, 20.0), (1.0, 0.0)],
    "noncentral_f": [(3.0, 5.0, 2.0), (1.0, 1.0, 0.0)],
    "normal": [(0.0, 1.0), (1e6, 1e-3), (0.0, 0.0)],
    "pareto": [(0.5,), (3.0,)],
    "poisson": [(0.0,), (0.5,), (4.0,), (9.99,), (10.0,), (40.0,), (1e7,)],
    "power": [(0.5,), (1.0,), (5.0,)],
    "rayleigh": [(1.0,), (0.0,), (7.5,)],
    "standard_cauchy": [()],
    "standard_gamma": [(0.2,), (1.0,), (7.0,)],
    "standard_t": [(1.0,), (4.0,), (1e6,)],
    "triangular": [(0.0, 0.5, 1.0), (-3.0, -3.0, 8.0), (0.0, 1.0, 1.0)],
    "uniform": [(0.0, 1.0), (-5.0, 1e9), (3.0, 3.0)],
    "vonmises": [(0.0, 1e-9), (0.0, 1e-4), (1.0, 0.5), (0.0, 4.0), (-2.0, 1e7)],
    "wald": [(1.0, 1.0), (3.0, 0.5), (1e5, 1e-3)],
    "weibull": [(0.5,), (2.0,), (0.0,)],
    "zipf": [(1.01,), (2.5,), (30.0,)],
}


def distributions(make, front):
    for name, choices in SHARED.items():
        for seed, parameters in enumerate(choices):
            if name == "geometric" and parameters == (1e-12,) and front == "RandomState":
                # The frozen algorithm counts its way there.
                continue
            g = make(seed)
            draw = getattr(g, name)
            attempt(f"{front}.{name}{parameters} x {COUNT}", g, lambda: draw(*parameters, size=COUNT))
            attempt(f"{front}.{name}{parameters} one by one", g, lambda: [draw(*parameters) for _ in range(50)])
            if parameters:
                arrays = [np.full((3, 1), p) for p in parameters]
                attempt(f"{front}.{name}{parameters} arrays", g, lambda: draw(*arrays))
                attempt(f"{front}.{name}{parameters} broadcast", g, lambda: draw(*arrays, size=(2, 3, 40)))
                attempt(f"{front}.{name}{parameters} negative", g, lambda: draw(*[-p for p in parameters], size=3))
                attempt(f"{front}.{name}{parameters} NaN", g, lambda: draw(*[np.nan for p in parameters], size=3))


def both_fronts(g, front):
    """What has no parameters of numbers, under both front ends."""
    for alpha in ([1.0, 2.0, 3.0], [0.01, 0.02], [1e-4, 0.5, 100.0]):
        attempt(f"{front}.dirichlet({alpha})", g, lambda: g.dirichlet(alpha, COUNT // 10))
    for n, pvals in ((20, [0.2, 0.3, 0.5]), (0, [1.0]), (10**6, [1 / 7] * 7)):
        attempt(f"{front}.multinomial({n})", g, lambda: g.multinomial(n, pvals, COUNT // 10))
    cov = [[2.0, 0.5, 0.1], [0.5, 1.0, 0.2], [0.1, 0.2, 3.0]]
    for size in (None, 5, (2, 3)):
        for axis in (0, 1):
            x = np.arange(60).reshape(12, 5)
            attempt(f"{front}.permutation", g, lambda: g.permutation(x))
        attempt(f"{front}.choice {size}", g, lambda: g.choice(1000, size))
        attempt(f"{front}.choice {size} weighted", g, lambda: g.choice(5, size, p=[0.1, 0.2, 0.3, 0.4, 0.0]))
        attempt(f"{front}.choice {size} kept", g, lambda: g.choice(["a", "b", "c", "d", "e", "f", "g"], size, replace=False))
    for dtype in (np.int8, np.float32, np.float64, np.complex128, object, "U3", "i4,f8"):
        for shape in ((SOME,), (500, 3), (4, 5, 6)):
            x = np.arange(int(np.prod(shape))).astype(dtype).reshape(shape)
            attempt(f"{front}.shuffle {dtype} {shape}", g, lambda: (g.shuffle(x), x.tolist()))
            y = np.asfortranarray(x)[::-1]
            attempt(f"{front}.shuffle {dtype} {shape} strided", g, lambda: (g.shuffle(y), y.tolist()))
    items = list(range(100))
    attempt(f"{front}.shuffle list", g, lambda: (g.shuffle(items), items))
    for n in (0, 1, 7, 1024):
        attempt(f"{front}.bytes({n})", g, lambda: g.bytes(n))
    attempt(f"{front}.multivariate_normal shape", g, lambda: g.multivariate_normal([0, 1, 2], cov, 10).shape)


for cls in BIT_GENERATORS:
    for seed in SEEDS:
        b = cls(seed)
        name = f"{cls.__name__}({seed})"
        show(f"{name}.state", b.state)
        show(f"{name}.random_raw", b.random_raw(COUNT))
        g = np.random.Generator(b)
        attempt(f"{name} 32-bit draws", g, lambda: g.integers(0, 2**32, 1001, dtype=np.uint32))
        saved = pickle.loads(pickle.dumps(b))
        show(f"{name} pickled", [saved.state, saved.random_raw(100), copy.deepcopy(saved).random_raw(3)])
        other = cls(7)
        other.state = b.state
        show(f"{name} state set", [other.random_raw(5), b.random_raw(5)])
        if hasattr(b, "jumped"):
            show(f"{name}.jumped", [b.jumped().random_raw(50), b.jumped(3).state])
        if hasattr(b, "advance"):
            show(f"{name}.advance", b.advance(12345678901234567890).state)
        show(f"{name}.spawn", [c.random_raw(10) for c in b.spawn(3)] + [c.state for c in b.spawn(1)])
        interface = b.ctypes
        with b.lock:
            words = [interface.next_uint64(interface.state) for _ in range(5)]
            words += [interface.next_uint32(interface.state) for _ in range(5)]
            words += [interface.next_double(interface.state) for _ in range(5)]
        show(f"{name}.ctypes", [words, b.state])

for entropy in (0, 123, 2**200, [1, 2**40]):
    seq = np.random.SeedSequence(entropy, spawn_key=(1, 2), pool_size=8)
    show(f"SeedSequence({entropy})", [seq.generate_state(100), seq.generate_state(10, np.uint64), seq.pool])
    show(f"SeedSequence({entropy}).spawn", [[c.generate_state(4), repr(c)] for c in seq.spawn(4)])

for cls in BIT_GENERATORS:
    g = np.random.Generator(cls(99))
    name = cls.__name__
    for dtype in (np.float64, np.float32):
        for method in ("random", "standard_normal", "standard_exponential"):
            attempt(f"{name}.{method} {dtype.__name__}", g, lambda: getattr(g, method)(COUNT, dtype=dtype))
            out = np.empty(999, dtype)
            attempt(f"{name}.{method} out", g, lambda: (getattr(g, method)(out=out, dtype=dtype), out))
            attempt(f"{name}.{method} scalars", g, lambda: [getattr(g, method)(dtype=dtype) for _ in range(300)])
        attempt(f"{name} inverse", g, lambda: g.standard_exponential(COUNT, dtype=dtype, method="inv"))
        attempt(f"{name} gamma", g, lambda: g.standard_gamma(0.3, COUNT, dtype=dtype))
    for dtype in INTS:
        info = np.iinfo(dtype)
        low, high = int(info.min), int(info.max)
        for a, b in ((0, 10), (0, high), (low, high), (low // 2, high // 3), (5, 5), (0, 127), (low, 0)):
            attempt(f"{name}.integers({a}, {b}, {info.dtype})", g, lambda: g.integers(a, b, COUNT, dtype, endpoint=True))
        attempt(f"{name}.integers {info.dtype} scalars", g, lambda: [g.integers(0, 100, dtype=dtype) for _ in range(99)])
        bounds = np.arange(1, 121, dtype=dtype).reshape(40, 3)
        attempt(f"{name}.integers {info.dtype} arrays", g, lambda: g.integers(0, bounds, dtype=dtype))
    attempt(f"{name}.integers bool", g, lambda: g.integers(0, 2, COUNT, dtype=bool))
    attempt(f"{name}.uniform", g, lambda: g.uniform(-2, 7, COUNT))
    attempt(f"{name}.normal", g, lambda: g.normal(3, 0.5, COUNT))
    attempt(f"{name}.permuted", g, lambda: [g.permuted(np.arange(60).reshape(5, 12), axis=axis) for axis in (None, 0, 1)])
    attempt(f"{name}.shuffle", g, lambda: (lambda x: (g.shuffle(x), x))(np.arange(COUNT)))
    show(f"{name} spawned", [child.random(5) for child in g.spawn(3)])

distributions(lambda seed: np.random.default_rng(seed), "Generator")
distributions(lambda seed: np.random.RandomState(seed), "RandomState")
g = np.random.default_rng(2026)
both_fronts(g, "Generator")
for method in ("marginals", "count"):
    for colors in ([10, 20, 30], [0, 5, 5, 1], [1000, 2000]):
        attempt(f"Generator.multivariate_hypergeometric {method} {colors}", g,
                lambda: g.multivariate_hypergeometric(colors, 10, SOME, method=method))
for method in ("cholesky", "eigh"):
    attempt(f"Generator.multivariate_normal {method}", g,
            lambda: np.round(g.multivariate_normal([0.0, 5.0], [[4.0, 0.0], [0.0, 9.0]], SOME, method=method), 8))
for shuffle in (True, False):
    for size in (1, 10, 900, 10_000):
        attempt(f"Generator.choice without {size} {shuffle}", g, lambda: g.choice(10_000, size, replace=False, shuffle=shuffle))

r = np.random.RandomState(1234)
both_fronts(r, "RandomState")
for size in (None, 1, 33, COUNT):
    for name in ("random_sample", "standard_normal", "standard_exponential", "tomaxint"):
        attempt(f"RandomState.{name} {size}", r, lambda: getattr(r, name)(size))
for dtype in INTS:
    for bounds in ((0, 10), (0, 100), (5, 127)):
        attempt(f"RandomState.randint {dtype.__name__}", r, lambda: r.randint(*bounds, size=COUNT, dtype=dtype))
attempt("RandomState.randint bool", r, lambda: r.randint(0, 2, COUNT, dtype=bool))
attempt("RandomState.rand", r, lambda: [r.rand(3, 5), r.randn(3, 5), r.rand(), r.randn()])
attempt("RandomState.random_integers", r, lambda: r.random_integers(1, 6, 100))
show("RandomState.get_state", [r.get_state(), r.get_state(legacy=False), pickle.loads(pickle.dumps(r)).get_state()])
state = r.get_state()
attempt("RandomState odd normal", r, lambda: r.standard_normal(3))
r.set_state(state)
attempt("RandomState.set_state", r, lambda: r.standard_normal(4))
for seed in (0, 5, [1, 2, 3], 2**32 - 1):
    np.random.seed(seed)
    show(f"np.random.seed({seed})", [np.random.random(10), np.random.randint(0, 9, 10), np.random.normal(size=3)])
for cls in BIT_GENERATORS:
    old = np.random.RandomState(cls(3))
    show(f"RandomState({cls.__name__})", [old.random_sample(9), old.standard_normal(9), old.randint(0, 50, 9)])

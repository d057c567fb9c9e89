"""What is measured: products of matrices, decompositions, Fourier transforms and random numbers.

`cells` lists all of them as (kind, name, dtype, size, layout) with the ratio each must reach; `prepare` makes the operands
of one and returns a function without arguments that computes it.
"""

import itertools

import numpy as np

SIZES = [2, 3, 4, 8, 16, 32, 64, 128, 256, 500, 1000, 2000]
FLOATS = ["float32", "float64", "complex128"]
DECOMPOSITIONS = {
    "solve": lambda a, b: lambda: np.linalg.solve(a, b),
    "inv": lambda a, b: lambda: np.linalg.inv(a),
    "det": lambda a, b: lambda: np.linalg.det(a),
    "cholesky": lambda a, b: (lambda s: lambda: np.linalg.cholesky(s))(a @ a.swapaxes(-1, -2).conj() + np.eye(len(a[0]))),
    "qr": lambda a, b: lambda: np.linalg.qr(a),
    "svd": lambda a, b: lambda: np.linalg.svd(a),
    "svdvals": lambda a, b: lambda: np.linalg.svdvals(a),
    "eigh": lambda a, b: (lambda s: lambda: np.linalg.eigh(s))(a + a.swapaxes(-1, -2).conj()),
    "eigvalsh": lambda a, b: (lambda s: lambda: np.linalg.eigvalsh(s))(a + a.swapaxes(-1, -2).conj()),
    "eig": lambda a, b: lambda: np.linalg.eig(a),
    "pinv": lambda a, b: lambda: np.linalg.pinv(a),
}
#: Layouts of two square factors.
LAYOUTS = {
    "A B": lambda a, b: (a, b),
    "A' B": lambda a, b: (a.T, b),
    "A B'": lambda a, b: (a, b.T),
    "A' B'": lambda a, b: (a.T, b.T),
    "A A'": lambda a, b: (a, a.T),
    "A' A": lambda a, b: (a.T, a),
    "strided": lambda a, b: (np.repeat(a, 2, 1)[:, ::2], np.repeat(b, 2, 0)[::2]),
}
#: Shapes of two factors by the name of the case.
SKINNY = {
    "tall by small": [(20_000, 4), (4, 4)],
    "outer": [(1000, 2), (2, 1000)],
    "wide by tall": [(3, 20_000), (20_000, 3)],
    "row by square": [(1, 500), (500, 500)],
    "square by column": [(500, 500), (500, 1)],
    "square by vector": [(500, 500), (500,)],
    "vector by square": [(500,), (500, 500)],
    "small by vector": [(4, 4), (4,)],
}
#: Calls of two operands of these shapes.
CONTRACTIONS = {
    "dot, 3": ([(3,), (3,)], np.dot),
    "dot, 100": ([(100,), (100,)], np.dot),
    "dot, 10^5": ([(100_000,), (100_000,)], np.dot),
    "vdot, 10^4": ([(10_000,), (10_000,)], np.vdot),
    "inner, 300": ([(300, 300), (300, 300)], np.inner),
    "outer, 300": ([(300,), (300,)], np.outer),
    "vecdot, 10^4 x 3": ([(10_000, 3), (10_000, 3)], np.vecdot),
    "vecdot, 100 x 1000": ([(100, 1000), (100, 1000)], np.vecdot),
    "matvec, 300": ([(300, 300), (300,)], np.matvec),
    "matvec, 10^4 x 3 x 3": ([(10_000, 3, 3), (10_000, 3)], np.matvec),
    "vecmat, 300": ([(300,), (300, 300)], np.vecmat),
    "matmul, 10^4 x 3 x 3": ([(10_000, 3, 3), (10_000, 3, 3)], np.matmul),
    "tensordot": ([(30, 20, 10), (20, 10, 40)], lambda a, b: np.tensordot(a, b, 2)),
    "einsum ij,jk": ([(100, 100), (100, 100)], lambda a, b: np.einsum("ij,jk->ik", a, b)),
    "einsum ij,jk, optimised": ([(100, 100), (100, 100)], lambda a, b: np.einsum("ij,jk->ik", a, b, optimize=True)),
    "einsum i,i": ([(10_000,), (10_000,)], lambda a, b: np.einsum("i,i->", a, b)),
    "einsum ij,ij": ([(300, 300), (300, 300)], lambda a, b: np.einsum("ij,ij->i", a, b)),
    "einsum ij,ij->": ([(300, 300), (300, 300)], lambda a, b: np.einsum("ij,ij->", a, b)),
    "einsum ii": ([(300, 300), (1,)], lambda a, b: np.einsum("ii", a)),
    "einsum ij->ji": ([(300, 300), (1,)], lambda a, b: np.einsum("ij->ji", a)),
    "einsum ij->i": ([(300, 300), (1,)], lambda a, b: np.einsum("ij->i", a)),
    "einsum bij,bjk": ([(100, 10, 10), (100, 10, 10)], lambda a, b: np.einsum("bij,bjk->bik", a, b)),
    "einsum ij,j": ([(300, 300), (300,)], lambda a, b: np.einsum("ij,j->i", a, b)),
    "einsum i,j": ([(300,), (300,)], lambda a, b: np.einsum("i,j->ij", a, b)),
    "einsum small": ([(3,), (3,)], lambda a, b: np.einsum("i,i->", a, b)),
    "convolve, 1000 by 20": ([(1000,), (20,)], np.convolve),
    "convolve, 2000 by 2000": ([(2000,), (2000,)], np.convolve),
    "correlate, 10^5 by 5": ([(100_000,), (5,)], np.correlate),
    "correlate, 100 by 100": ([(100,), (100,)], np.correlate),
    "convolve, 5 by 3": ([(5,), (3,)], np.convolve),
}
POWERS = [2**k for k in (2, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20)]
MIXED = [3, 5, 6, 7, 9, 10, 12, 15, 17, 20, 30, 36, 48, 49, 60, 97, 100, 101, 120, 125, 144, 210, 243, 360, 500, 512 + 256, 997,
         1000, 1001, 1009, 1080, 2000, 2187, 3125, 5000, 6000, 7919, 10_000, 10_007, 30_030, 44_100, 100_000, 99_991, 1_000_000]
DISTRIBUTIONS = {
    "random": lambda g, n: g.random(n),
    "random f32": lambda g, n: g.random(n, dtype=np.float32),
    "uniform": lambda g, n: g.uniform(-1, 3, n),
    "uniform arrays": lambda g, n: g.uniform(np.zeros(n), 3.0),
    "standard_normal": lambda g, n: g.standard_normal(n),
    "standard_normal f32": lambda g, n: g.standard_normal(n, dtype=np.float32),
    "normal": lambda g, n: g.normal(1, 2, n),
    "integers 100": lambda g, n: g.integers(0, 100, n),
    "integers 2^40": lambda g, n: g.integers(0, 2**40, n),
    "integers masked": lambda g, n: g.integers(0, 2**64 - 1, n, dtype=np.uint64, endpoint=True),
    "integers u8": lambda g, n: g.integers(0, 10, n, dtype=np.uint8),
    "integers i32": lambda g, n: g.integers(0, 1000, n, dtype=np.int32),
    "integers bool": lambda g, n: g.integers(0, 2, n, dtype=np.bool_),
    "integers arrays": lambda g, n: g.integers(0, np.full(n, 100)),
    "bytes": lambda g, n: g.bytes(8 * n),
    "shuffle": lambda g, n: (lambda a: g.shuffle(a))(np.arange(n)),
    "shuffle f32": lambda g, n: g.shuffle(np.zeros(n, np.float32)),
    "shuffle rows": lambda g, n: g.shuffle(np.zeros((n, 3))),
    "permutation": lambda g, n: g.permutation(n),
    "permuted": lambda g, n: g.permuted(np.arange(n)),
    "choice": lambda g, n: g.choice(n, n),
    "choice without": lambda g, n: g.choice(n, n // 10 + 1, replace=False),
    "choice weighted": lambda g, n: g.choice(4, n, p=[0.1, 0.2, 0.3, 0.4]),
    "exponential": lambda g, n: g.exponential(2.0, n),
    "gamma": lambda g, n: g.gamma(2.5, 1.0, n),
    "beta": lambda g, n: g.beta(2.0, 3.0, n),
    "poisson 4": lambda g, n: g.poisson(4.0, n),
    "poisson 40": lambda g, n: g.poisson(40.0, n),
    "binomial": lambda g, n: g.binomial(100, 0.3, n),
    "geometric": lambda g, n: g.geometric(0.3, n),
    "zipf": lambda g, n: g.zipf(2.5, n),
    "chisquare": lambda g, n: g.chisquare(3.0, n),
    "standard_t": lambda g, n: g.standard_t(4.0, n),
    "lognormal": lambda g, n: g.lognormal(0.0, 1.0, n),
    "laplace": lambda g, n: g.laplace(0.0, 1.0, n),
    "vonmises": lambda g, n: g.vonmises(0.0, 4.0, n),
    "hypergeometric": lambda g, n: g.hypergeometric(20, 30, 10, n),
    "multinomial": lambda g, n: g.multinomial(20, [0.2, 0.3, 0.5], n // 3 + 1),
    "dirichlet": lambda g, n: g.dirichlet([1.0, 2.0, 3.0], n // 3 + 1),
}
LEGACY = {
    "rand": lambda g, n: g.rand(n),
    "randn": lambda g, n: g.randn(n),
    "randint": lambda g, n: g.randint(0, 100, n),
    "legacy shuffle": lambda g, n: g.shuffle(np.arange(n)),
    "legacy permutation": lambda g, n: g.permutation(n),
    "legacy choice": lambda g, n: g.choice(n, n),
    "legacy normal": lambda g, n: g.normal(1, 2, n),
    "legacy uniform": lambda g, n: g.uniform(-1, 3, n),
    "legacy exponential": lambda g, n: g.exponential(2.0, n),
    "legacy gamma": lambda g, n: g.gamma(2.5, 1.0, n),
    "legacy poisson": lambda g, n: g.poisson(4.0, n),
}
GENERATORS = ["PCG64", "MT19937", "Philox", "SFC64"]


def cells():
    """Every cell with its goal."""
    for dtype, n in itertools.product(FLOATS, SIZES):
        yield ("matmul", "matmul", dtype, n, "A B"), 1.5 if n <= 32 else 0.9
    for dtype, n, layout in itertools.product(FLOATS, [4, 32, 128, 500], LAYOUTS):
        if layout != "A B":
            yield ("layout", "matmul", dtype, n, layout), 0.9
    for dtype, name in itertools.product(FLOATS, SKINNY):
        yield ("skinny", name, dtype, 0, ""), 0.9
    for dtype, n in itertools.product(["int8", "int16", "int32", "int64", "uint64", "bool", "float16"], [4, 32, 100, 500]):
        yield ("integer", "matmul", dtype, n, ""), 5.0 if n >= 32 else 0.9
    for dtype, name in itertools.product(["float64", "complex128", "int64"], CONTRACTIONS):
        yield ("contraction", name, dtype, 0, ""), 0.9
    for dtype, name, n in itertools.product(FLOATS, DECOMPOSITIONS, [3, 50, 500]):
        yield ("decomposition", name, dtype, n, ""), 0.9
    for dtype, name in itertools.product(FLOATS, DECOMPOSITIONS):
        yield ("stack", name, dtype, 1000, "n x 3 x 3"), 3.0
    for name, n in itertools.product(["fft", "ifft", "rfft", "irfft"], POWERS):
        yield ("fft, powers of two", name, "float64", n, ""), 0.9
    for name, n in itertools.product(["fft", "rfft", "irfft"], MIXED):
        yield ("fft, mixed", name, "float64", n, ""), 0.9
    for name, n in itertools.product(["fft", "rfft"], [64, 1000, 4096, 65536]):
        yield ("fft, float32", name, "float32", n, ""), 0.9
    for name in ("fft of rows", "fft of columns", "rfft of rows", "fft2"):
        for n in (16, 64, 500, 512):
            yield ("fft, stacked", name, "float64", n, ""), 0.9
    for name, n in itertools.product(DISTRIBUTIONS, [1, 10, 1000, 100_000]):
        yield ("random", name, "PCG64", n, ""), 1.0
    for name, generator in itertools.product(["random", "standard_normal", "integers 100", "integers 2^40", "shuffle"], GENERATORS[1:]):
        yield ("random", name, generator, 10_000, ""), 1.0
    for name, n in itertools.product(LEGACY, [1, 1000, 100_000]):
        yield ("legacy random", name, "MT19937", n, ""), 1.0


def array(shape, dtype, seed):
    """An array of ordinary numbers, the same wherever it is made."""
    count = int(np.prod(shape))
    grid = (np.arange(1, count + 1, dtype=np.float64) * (0.6180339887498949 + seed * 0.1)) % 1.0
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        return (grid * 100).astype(dtype).reshape(shape)
    if dtype.kind == "b":
        return (grid > 0.9).reshape(shape)
    values = grid - 0.5
    if dtype.kind == "c":
        values = values + 1j * ((grid * 7.3) % 1.0 - 0.5)
    return values.astype(dtype).reshape(shape)


def scattered(shape, dtype, seed):
    """Normal deviates: matrices that are well conditioned as a rule."""
    random = np.random.default_rng(seed)
    values = random.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * random.standard_normal(shape)
    return values.astype(dtype)


def prepare(kind, name, dtype, n, layout):
    if kind in ("matmul", "integer", "layout"):
        a, b = LAYOUTS[layout or "A B"](array((n, n), dtype, 1), array((n, n), dtype, 2))
        return lambda: a @ b
    if kind == "skinny":
        a, b = (array(shape, dtype, i) for i, shape in enumerate(SKINNY[name]))
        return lambda: a @ b
    if kind == "contraction":
        shapes, call = CONTRACTIONS[name]
        a, b = (array(shape, dtype, i) for i, shape in enumerate(shapes))
        return lambda: call(a, b)
    if kind == "decomposition":
        return DECOMPOSITIONS[name](scattered((n, n), dtype, n), scattered((n,), dtype, 1))
    if kind == "stack":
        return DECOMPOSITIONS[name](scattered((n, 3, 3), dtype, n), scattered((n, 3, 1), dtype, 1))
    if kind == "fft, stacked":
        a = array((64, n) if "rows" in name else (n, 64) if "columns" in name else (n, n), dtype, 1)
        if name == "rfft of rows":
            return lambda: np.fft.rfft(a)
        a = a + 0j
        if name == "fft2":
            return lambda: np.fft.fft2(a)
        axis = -1 if "rows" in name else 0
        return lambda: np.fft.fft(a, axis=axis)
    if kind.startswith("fft"):
        a = array((n,), dtype, 1)
        if name != "rfft":
            a = (a + 1j * a[::-1]).astype(np.result_type(a, np.complex64))
        transform = getattr(np.fft, name)
        if name == "irfft":
            a = a[: n // 2 + 1].copy()
            return lambda: transform(a, n)
        return lambda: transform(a)
    if kind == "random":
        generator, draw = np.random.Generator(getattr(np.random, dtype)(42)), DISTRIBUTIONS[name]
        return lambda: draw(generator, n)
    state, draw = np.random.RandomState(42), LEGACY[name]
    return lambda: draw(state, n)

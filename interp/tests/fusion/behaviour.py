"""What `micronumpy.fuse` promises, as assertions."""

import warnings

import micronumpy
import numpy as np

fuse = micronumpy.fuse
a, b = np.arange(6.0), np.linspace(-1, 1, 6)


def same(x, y):
    assert type(x) is type(y), (type(x), type(y))
    assert np.asarray(x).dtype == np.asarray(y).dtype, (x, y)
    assert np.array_equal(x, y, equal_nan=True), (x, y)


def raises(kind, text, function, *args, **keywords):
    try:
        function(*args, **keywords)
    except kind as error:
        assert text in str(error), str(error)
    else:
        raise AssertionError(f"{kind.__name__} was not raised")


# The function runs once per signature: dtypes, dimensions and broadcasting count, lengths and values do not.
runs = []


@fuse
def counted(x, k):
    runs.append(x.dtype)
    return x * k + 1


for x, k in [(a, 2.0), (a[:3], 5.5), (np.arange(100.0)[::7], -1.0)]:
    same(counted(x, k), x * k + 1)
assert len(runs) == 1
same(counted(a.astype("f4"), 2.0), a.astype("f4") * 2.0 + 1)
same(counted(a.reshape(2, 3), 2.0), a.reshape(2, 3) * 2.0 + 1)
same(counted(np.arange(3), 2), np.arange(3) * 2 + 1)
same(counted(np.float64(3), 2), np.float64(3) * 2 + 1)
assert len(runs) == 5

# Results in any structure; keywords, defaults, methods, attributes of the function.


@fuse
def several(x, *, scale) -> dict:
    return x


raises(micronumpy.FusionError, "keyword-only parameter 'scale'", several, a, scale=2)


@fuse
def structured(x, y=b, power=2):
    """About it."""
    return {"sum": x + y, "parts": (x - y, [x**power, "text"])}


for got in (structured(a), structured(a, b), structured(x=a, y=b)):
    same(got["sum"], a + b)
    same(got["parts"][0], a - b)
    same(got["parts"][1][0], a**2)
    assert got["parts"][1][1] == "text"
assert structured.__name__ == "structured" and structured.__doc__ == "About it."


class Model:
    weight = 3.0

    @fuse
    def apply(self, x):
        return x * self.weight


same(Model().apply(a), a * 3.0)

# Branches may depend on numbers, dtypes and shapes, not on values of arrays.


@fuse
def branching(x, n):
    if n > 2:
        return x + n
    if x.shape[0] > 3:
        return x - n
    return x


for x in (a, a[:2]):
    for n in (1, 3, 2, 5):
        same(branching(x, n), branching.__wrapped__(x, n) if n > 2 or len(x) > 3 else x)


@fuse
def data_dependent(x):
    if (x > 1).any():
        return x
    return -x


raises(micronumpy.FusionError, "behaviour.py, line", data_dependent, a)
raises(micronumpy.FusionError, "if (x > 1).any():", data_dependent, a)
for function, text in [
    (lambda x: float(x.sum()), "not known while a function is recorded"),
    (lambda x: x[0], "indexing"),
    (lambda x: [v for v in x], "one by one"),
    (lambda x: np.linalg.norm(x), "numpy.linalg"),
    (lambda x: np.sort(x), "numpy.sort"),
    (lambda x: x @ x, "matrix products"),
    (lambda x: np.add(x, 1, out=a), "'out'"),
    (lambda x: x.__iadd__(1), "an argument would be changed in place"),
    (lambda x: x.argsort(), "'argsort'"),
    (lambda x: np.add(x, 1, where=x > 2), "'where'"),
]:
    try:
        fuse(function)(a)
    except micronumpy.FusionError as error:
        assert text in str(error) or "not part of fused functions" in str(error), str(error)
    else:
        raise AssertionError(text)

# Values of its own may be changed in place; arrays from outside are read at each call.
outside = np.ones(6)


@fuse
def uses_outside(x):
    t = x * 2
    t += outside
    return t


same(uses_outside(a), a * 2 + outside)
outside[:] = 7
same(uses_outside(a), a * 2 + outside)

# Errors and warnings are those of the plain function, named after the operation.
raises(ValueError, "operands could not be broadcast together", fuse(lambda x, y: x + y), a, np.ones(4))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    fuse(lambda x, y: np.sqrt(x) / y)(np.array([-1.0, 4.0]), np.array([1.0, 0.0]))
assert [str(w.message) for w in caught] == ["invalid value encountered in sqrt", "divide by zero encountered in divide"]
# Wherever in a long array the trouble is, and whatever ran before in the same loop.
long = np.linspace(0.5, 2, 50_000)
for at in (0, 1023, 1024, 3000, 4095, 4096, 20_000, 49_999):
    for value, expected in [(0.0, ["divide by zero encountered in divide"]), (-1.0, ["invalid value encountered in sqrt"])]:
        y = long.copy()
        y[at] = value
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            got = fuse(lambda x, y: (np.exp(x) + 1.0) / y - np.sqrt(y) * np.exp(x))(long, y)
        assert [str(w.message) for w in caught] == expected, (at, value, caught)
        with np.errstate(all="ignore"):
            same(got, (np.exp(long) + 1.0) / y - np.sqrt(y) * np.exp(long))
with np.errstate(divide="raise"):
    raises(FloatingPointError, "divide by zero encountered in divide", fuse(lambda x: 1 / x), np.zeros(3))

# Everything that overlaps, repeats or lies strangely.
grid = np.arange(24.0).reshape(4, 6)
for x in (grid.T, grid[::-1, ::2], np.broadcast_to(grid[0], (4, 6)), grid[:0], np.asfortranarray(grid)):
    same(fuse(lambda v: np.where(v > 3, v * 2, v - 1).sum(axis=0))(x), np.where(x > 3, x * 2, x - 1).sum(axis=0))
    same(fuse(lambda v: (v * v).mean(axis=-1, keepdims=True))(x), (x * x).mean(axis=-1, keepdims=True))
    same(fuse(lambda v: v.var())(x), x.var())
    same(fuse(lambda v: np.std(v, axis=0))(x), np.std(x, axis=0))
    same(fuse(lambda v: np.clip(v, 2, 9))(x), np.clip(x, 2, 9))

text = counted.explain()
assert "float64[:]" in text and "multiply" in text, text
assert "not called yet" in fuse(lambda x: x).explain()
print("done")

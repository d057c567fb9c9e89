"""Folds of random views along random axes: the bits of results, which show the order of additions, and how they lie in memory."""

import random
import warnings

import numpy as np

warnings.simplefilter("ignore")
rng = random.Random(5)
values = np.random.default_rng(5)
SLICES = [slice(None), slice(None), slice(None, None, -1), slice(None, None, 2), slice(1, None), slice(None, None, -2), None]
LENGTHS = [1, 2, 3, 4, 5, 8, 9, 13, 17, 40]


def view():
    ndim = rng.choice([1, 2, 2, 3, 3, 3, 4, 5])
    shape = [rng.choice(LENGTHS) for _ in range(ndim)]
    if rng.random() < 0.1:
        shape = [rng.choice([2, 3, 5]), rng.choice([5000, 9000])]
    while np.prod(shape) > 50_000:
        shape[shape.index(max(shape))] = 2
    a = (values.standard_normal(int(np.prod(shape))) * 3).astype(rng.choice("efdgFDGilbh?")).reshape(shape)
    ndim = len(shape)
    a = a.transpose(rng.sample(range(ndim), ndim)).copy().transpose(rng.sample(range(ndim), ndim))
    a = a[tuple(rng.choice(SLICES) for _ in range(ndim))]
    if rng.random() < 0.2:
        a = np.broadcast_to(a[..., None], a.shape + (rng.choice([1, 2, 5]),))
    return a


def arguments(a):
    some = [tuple(rng.sample(range(a.ndim), rng.randint(1, a.ndim))) for _ in range(3)]
    given = {"axis": rng.choice([None, None, *range(a.ndim), *some])}
    if rng.random() < 0.3:
        given["dtype"] = rng.choice("fdDge")
    if rng.random() < 0.3:
        given["where"] = values.random(a.shape if rng.random() < 0.6 else a.shape[-1:]) > 0.3
        given["initial"] = rng.choice([0, 1, 2.5])
    if rng.random() < 0.2:
        given["initial"] = 3
    if rng.random() < 0.2:
        given["keepdims"] = True
    return given


def bits(value):
    value = np.array(value)
    if value.dtype.char in "gG":  # what pads them is anybody's
        return [np.format_float_scientific(x) for x in np.atleast_1d(value).ravel().view("g")]
    return value.tobytes().hex()


for number in range(1500):
    a = view()
    given = arguments(a)
    fold = rng.choice([np.add, np.add, np.multiply, np.maximum, np.minimum]).reduce
    np.setbufsize(rng.choice([8192, 8192, 8192, 64, 1024]))
    try:
        r = fold(a, **given)
        print(">>>", number, a.dtype, a.shape, a.strides, sorted(given), r.dtype, r.strides, bits(r))
    except (TypeError, ValueError) as error:
        print(">>>", number, type(error).__name__, error)

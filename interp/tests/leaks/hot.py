"""Run operations of every family many times over and see that nothing is left behind.

After a warm-up an operation runs in two rounds. What the C library has given out, what Python's own allocator has given out,
the objects the collector knows and the reference counts of the operands have to be the same after both, but for a few bytes
a call (tables that grow now and then). Operations that raise midway count as much as those that succeed.
"""

import gc
import pickle
import sys
import warnings

import numpy as np
from heap import mallinfo

ROUND = 300
# Bytes a call may leave behind on average.
SLACK = 6


class Awkward:
    """An object that refuses to be computed with after a while."""

    def __init__(self, value):
        self.value = value

    def __add__(self, other):
        if self.value > 2:
            raise RuntimeError("no more")
        return Awkward(self.value + 1)

    __radd__ = __add__

    def __float__(self):
        raise TypeError("not a number")

    def __lt__(self, other):
        raise ValueError("no order")


class Like:
    def __array__(self, dtype=None, copy=None):
        return np.array([1.0, 2.0])


class Interface:
    pass


class Sub(np.ndarray):
    def __array_finalize__(self, obj):
        self.info = getattr(obj, "info", "new")


class Refuses:
    def __array_ufunc__(self, *args, **kwargs):
        return NotImplemented


def raising(function):
    def run():
        try:
            function()
        except (ValueError, TypeError, IndexError, RuntimeError, OverflowError, FloatingPointError, BufferError, AttributeError):
            return
        raise AssertionError("an error was expected")

    return run


marker = object()
f8 = np.arange(600.0).reshape(20, 30)
i4 = np.arange(600, dtype="i4").reshape(20, 30)
swapped = f8.astype(">f8")
objects = np.array([marker, None, 1, "x", 2.5, (1, 2), marker, [3]] + [0] * 22, "O")
numbers = np.array([3, 1.5, 2**70, True, -7] * 6, "O")
awkward = np.array([Awkward(i) for i in range(6)], "O")
text = np.array(["12", "3.5", "x", "hé"] * 8)
octets = np.array([b"12", b"3", b"x"] * 10)
record = np.zeros(30, [("a", "i4"), ("b", "O"), ("c", "f8", (3,))])
record["b"] = marker
dates = np.arange("2001-01", "2003-01", dtype="M8[M]")
strings = np.array(["a", "bc" * 20, "x" * 300] * 8, np.dtypes.StringDType())
mask = (np.arange(600) % 3 == 0).reshape(20, 30)
where = np.array([3, 1, -1, 7])
sub = f8.copy().view(Sub)
out = np.empty_like(f8)
interface = Interface()
interface.__array_interface__ = f8.__array_interface__


def assign(array, index, value):
    array[index] = value


def walk(*args, **kwargs):
    with np.nditer(*args, **kwargs) as it:
        for x in it:
            pass


def nested():
    outer, inner = np.nested_iters([f8, f8.T.copy().T], [[0], [1]])
    for _ in outer:
        for _ in inner:
            pass


def update(array, **kwargs):
    with np.nditer(array, flags=["buffered", "refs_ok"], op_flags=["readwrite"], **kwargs) as it:
        for x in it:
            x[...] = 1


def abandoned():
    it = np.nditer([f8, None], flags=["buffered", "external_loop"], op_dtypes=["f4", "f4"], casting="unsafe")
    next(iter(it))
    it.copy()


def errstate(**kwargs):
    with np.errstate(**kwargs):
        return np.divide(f8, 0.0)


operations = {
    # Indexing, reading and writing.
    "index integers": lambda: f8[3, 4],
    "index slices": lambda: f8[1:, ::2],
    "index positions": lambda: f8[where],
    "index positions of objects": lambda: objects[where],
    "index mask": lambda: f8[mask],
    "index mixed": lambda: f8[where[:, None], 1:5],
    "index fields": lambda: (record["b"], record[["a", "b"]], record[3], record[3]["b"]),
    "index newaxis": lambda: f8[None, ..., 1],
    "index of a subclass": lambda: sub[1:3, where],
    "index out of bounds": raising(lambda: f8[99]),
    "index positions out of bounds": raising(lambda: objects[np.array([1, 99])]),
    "index that is none": raising(lambda: f8["x"]),
    "index mask of another length": raising(lambda: f8[np.ones(3, "?")]),
    "index flat": lambda: (f8.flat[3], f8.flat[where], list(objects.flat)),
    "index take": lambda: (objects.take(where), np.take(f8, where, axis=1), record.take(where)),
    "write objects": lambda: assign(objects.copy(), where, marker),
    "write objects by slices": lambda: assign(objects.copy(), slice(None, None, 2), objects[1::2]),
    "write objects to themselves": lambda: assign(objects, slice(None), objects),
    "write objects backwards": lambda: assign(objects.copy(), slice(None), objects[::-1]),
    "write a mask": lambda: assign(f8.copy(), mask, 1.0),
    "write records": lambda: assign(record.copy(), where, record[:4]),
    "write a field": lambda: assign(record, "b", marker),
    "write too much": raising(lambda: assign(objects, where, [marker] * 3)),
    "write what does not convert": raising(lambda: assign(f8, (0, slice(None, 3)), ["1", "2", "x"])),
    "write objects that refuse": raising(lambda: assign(f8, 0, np.array([1.0] * 29 + [Awkward(1)], "O"))),
    "write deeper than the array": raising(lambda: assign(f8, 0, [[[1.0]]])),
    "write a record of another length": raising(lambda: assign(record, 0, (1, marker))),
    "write a record that fails midway": raising(lambda: assign(record, 0, (1, marker, "x"))),
    "write into a subclass": lambda: assign(sub, (0, slice(None)), 1.0),
    "write flat": lambda: assign(objects.copy().flat, slice(None), [marker, 1]),
    "write flat that fails": raising(lambda: assign(f8.flat, 3, "x")),
    "put, place, putmask": lambda: (np.put(objects.copy(), where, marker), np.place(f8.copy(), mask, [1]), np.putmask(objects.copy(), objects == 0, marker)),
    "choose": lambda: np.choose([0, 1, 0], [objects[:3], objects[3:6]]),
    "choose that fails": raising(lambda: np.choose([0, 9, 0], [objects[:3], objects[3:6]])),
    # Making arrays.
    "array of objects": lambda: np.array([marker, [marker], None], "O"),
    "array of lists": lambda: np.array([[1, 2.5], [3, 4]]),
    "array of text": lambda: np.array(["a", b"b", 3]),
    "array of arrays": lambda: np.array([f8, f8]),
    "array of an array-like": lambda: np.array(Like()),
    "array of ragged lists": raising(lambda: np.array([[1, 2], [3]])),
    "array of what does not convert": raising(lambda: np.array([1.0, Awkward(1), "x"], "f8")),
    "array of tuples that fail": raising(lambda: np.array([(1, marker, (1, 2, 3)), (1, marker)], record.dtype)),
    "array of a buffer": lambda: np.frombuffer(b"12345678"),
    "array of a memoryview": lambda: np.array(memoryview(f8)),
    "array of an interface": lambda: np.asarray(interface),
    "array from dlpack": lambda: np.from_dlpack(f8),
    "array from an iterator": lambda: np.fromiter((marker for _ in range(9)), "O"),
    "array from a failing iterator": raising(lambda: np.fromiter((1 // (3 - i) if i != 3 else Awkward(1) for i in range(9)), "f8")),
    "copies": lambda: (objects.copy(), record.copy(), f8.copy("F"), strings.copy(), sub.copy()),
    "empty and full": lambda: (np.empty(9, "O"), np.zeros(9, record.dtype), np.full(9, marker, "O")),
    "resize": lambda: np.resize(objects, 77),
    "pickle": lambda: (pickle.loads(pickle.dumps(f8)), pickle.loads(pickle.dumps(numbers)), pickle.loads(pickle.dumps(f8[0, 0]))),
    "views": lambda: (f8.view("i8"), f8.view(Sub), f8.T, f8.reshape(30, 20), f8.real, record.view(np.recarray)),
    "buffer": lambda: (memoryview(f8), bytes(memoryview(i4))),
    "buffer that is refused": raising(lambda: memoryview(dates)),
    "lists": lambda: (objects.tolist(), record.tolist(), f8.tolist(), strings.tolist()),
    "repr": lambda: (repr(f8[:2, :2]), repr(objects[:3]), repr(record[:2]), str(f8.dtype), repr(record.dtype)),
    "concatenate": lambda: (np.concatenate([objects, objects]), np.stack([f8, f8]), np.concatenate([f8, i4], axis=None)),
    "concatenate that fails": raising(lambda: np.concatenate([f8, objects])),
    # Casts.
    "cast numbers": lambda: (f8.astype("i4"), f8.astype(">f4"), i4.astype("D"), swapped.astype("f8")),
    "cast to objects": lambda: (f8.astype("O"), text.astype("O"), record.astype("O"), dates.astype("O")),
    "cast from objects": lambda: (numbers.astype("f8"), numbers.astype("U"), numbers.astype("S20")),
    "cast objects that refuse": raising(lambda: np.array([1.0, 2.0, Awkward(3)], "O").astype("f8")),
    "cast text": lambda: (octets[:2].astype("i4"), f8.astype("U10"), text.astype(np.dtypes.StringDType())),
    "cast text that is no number": raising(lambda: text.astype("f8")),
    "cast text that is not ASCII": raising(lambda: text.astype("S4")),
    "cast raw bytes": raising(lambda: np.zeros(3, "V4").astype("f8")),
    "cast records": lambda: record.astype([("x", "f8"), ("y", "O"), ("z", "i4", (3,))]),
    "cast records to numbers": raising(lambda: record.astype("f8")),
    "cast strings": lambda: (strings.astype("U300"), strings.astype("O"), strings.copy().astype(np.dtypes.StringDType())),
    "cast strings that are no numbers": raising(lambda: strings.astype("f8")),
    "cast by another rule": raising(lambda: f8.astype("i4", casting="safe")),
    "cast a value that changes": raising(lambda: f8.__add__(0.5).astype("i4", casting="same_value")),
    "copyto": lambda: (np.copyto(out, i4), np.copyto(objects.copy(), marker, where=objects != 0)),
    # Universal functions.
    "add": lambda: (f8 + f8, f8 + 1, i4 + f8, swapped + 1, f8[::2, ::3] + 1),
    "add into": lambda: np.add(f8, i4, out=out),
    "add where": lambda: np.add(f8, 1, out=out, where=mask),
    "add objects": lambda: (numbers + 1, numbers + numbers, numbers[::2] * 2),
    "add objects that refuse": raising(lambda: awkward + 1),
    "add objects that refuse in place": raising(lambda: np.add(awkward, 1, out=awkward.copy())),
    "add of what has no loop": raising(lambda: record + 1),
    "add shapes that do not fit": raising(lambda: f8 + np.ones(7)),
    "add what refuses": raising(lambda: np.add(f8, Refuses())),
    "add a subclass": lambda: sub + 1,
    "overlap": lambda: np.add(out[1:], out[:-1], out=out[1:]),
    "compare": lambda: (f8 < 3, numbers == 1, text == "x", strings == "a"),
    "compare objects that refuse": raising(lambda: awkward < awkward),
    "warn": lambda: np.divide(f8, 0.0),
    "raise on division": raising(lambda: errstate(all="raise")),
    "call on division": lambda: errstate(all="call", call=lambda *a: None),
    "reduce": lambda: (f8.sum(), f8.sum(axis=0), np.maximum.reduce(f8, axis=(0, 1)), numbers.sum(), f8.mean(axis=1, keepdims=True)),
    "reduce with a start": lambda: np.add.reduce(f8, axis=0, initial=3.0, where=mask),
    "reduce objects that refuse": raising(lambda: awkward.sum()),
    "reduce nothing": raising(lambda: np.maximum.reduce(np.zeros(0))),
    "accumulate": lambda: (np.add.accumulate(f8, axis=1), np.add.accumulate(numbers)),
    "accumulate objects that refuse": raising(lambda: np.add.accumulate(awkward)),
    "reduceat": lambda: (np.add.reduceat(f8, [0, 3, 1]), np.add.reduceat(numbers, [0, 3])),
    "reduceat out of bounds": raising(lambda: np.add.reduceat(f8, [0, 99])),
    "at": lambda: (np.add.at(out, where, 1.0), np.add.at(numbers.copy(), where, 1)),
    "at that refuses": raising(lambda: np.add.at(awkward.copy(), where, 1)),
    "outer": lambda: np.multiply.outer(f8[0], numbers[:3]),
    "frompyfunc": lambda: np.frompyfunc(lambda x: [x], 1, 1)(objects),
    "frompyfunc that raises": raising(lambda: np.frompyfunc(lambda x: x + marker, 1, 2)(objects)),
    "vectorize": lambda: np.vectorize(lambda x: x + 1)(f8[0]),
    "matmul": lambda: (f8 @ f8.T, numbers[:4].reshape(2, 2) @ numbers[:4].reshape(2, 2)),
    "matmul that fails": raising(lambda: f8 @ f8),
    "scalars": lambda: (f8[0, 0] + 1, f8[0, 0] + f8[0, 1], np.float32(1) * 2, np.int8(3) ** 2, np.str_("a"), np.void(b"ab")),
    "scalars that overflow": raising(lambda: np.int8(300)),
    "scalars of records": lambda: (record[0].item(), np.array(record[0]), record[0].copy()),
    # Order and search.
    "sort": lambda: (np.sort(f8, axis=0), np.sort(numbers), np.argsort(text), np.sort(strings), np.sort(swapped, axis=None)),
    "sort objects that refuse": raising(lambda: np.sort(awkward)),
    "search": lambda: (np.searchsorted(f8[0], f8[1]), np.unique(i4), np.nonzero(objects), np.argmax(numbers), np.lexsort((i4[0], i4[1]))),
    "partition": lambda: (np.partition(f8, 3), np.argpartition(numbers, 2)),
    # Iteration.
    "nditer": lambda: (walk([f8, i4]), walk(objects, ["refs_ok"]), walk([f8, None], op_dtypes=["f8", "f4"])),
    "nditer buffered": lambda: walk([f8, i4], ["buffered"], op_dtypes=["f4", "f8"], casting="unsafe"),
    "nditer buffered objects": lambda: walk([f8], ["buffered", "refs_ok"], op_dtypes=["O"], casting="unsafe"),
    "nditer writes back": lambda: (update(out, op_dtypes=["f4"], casting="unsafe"), update(numbers.copy(), op_dtypes=["f8"], casting="unsafe")),
    "nditer copies": lambda: walk([out, out[::-1]], ["copy_if_overlap"], op_flags=[["readwrite"], ["readonly"]]),
    "nditer left alone": abandoned,
    "nditer refused": raising(lambda: np.nditer([f8, objects])),
    "nditer of what does not convert": raising(lambda: walk([text], ["buffered"], op_dtypes=["f8"], casting="unsafe")),
    "nested iterators": nested,
    "broadcast": lambda: (list(zip(np.broadcast(f8[:, :1], f8[0]), range(3))), np.broadcast_to(f8, (2, 20, 30))),
    # Dtypes.
    "dtypes": lambda: (np.dtype("i4,(2,)f8,O"), np.dtype({"names": ["x"], "formats": ["f4"], "itemsize": 20}), np.dtype("M8[3h]"), np.result_type(f8, i4, "f4")),
    "dtypes that are none": raising(lambda: np.dtype("i4,zz")),
    "promotion that fails": raising(lambda: np.result_type(dates, f8)),
    "dates": lambda: (dates + 1, dates.astype("M8[D]"), dates - dates[0], np.datetime_as_string(dates), np.busday_count(dates.astype("M8[D]"), np.datetime64("2004-01-01"))),
    "dates that are none": raising(lambda: np.array(["2001-13"], "M8[D]")),
    "strings": lambda: (np.strings.add(strings, "x"), np.strings.replace(text, "1", "22"), np.strings.find(strings, "c")),
    "einsum": lambda: (np.einsum("ij,ij->i", f8, f8), np.einsum("i,i", numbers, numbers)),
    "where": lambda: (np.where(mask, f8, 0), np.where([True, False], objects[:2], None)),
    "clip": lambda: (f8.clip(1, 5), np.clip(numbers, 0, 2)),
    "array functions": lambda: (np.pad(f8, 1), np.roll(objects, 3), np.histogram(f8), np.percentile(f8, 30)),
}

OPERANDS = {name: x for name, x in globals().items() if isinstance(x, np.ndarray)} | {"marker": marker, "none": None}


def state():
    gc.collect()
    info = mallinfo() if mallinfo is not None else None
    return {
        "C library": info.uordblks + info.hblkhd if info is not None else 0,
        "Python": 64 * sys.getallocatedblocks(),
        "collector": 64 * len(gc.get_objects()),
        "references": {name: sys.getrefcount(x) for name, x in OPERANDS.items()},
    }


def rounds(operation):
    for _ in range(ROUND):
        operation()


def growth(before, after):
    """What grew, and by how many bytes a call."""
    grown = {key: (after[key] - before[key]) / ROUND for key in ("C library", "Python", "collector")}
    found = {key: value for key, value in grown.items() if value > SLACK}
    for name, count in after["references"].items():
        if abs(count - before["references"][name]) >= ROUND // 2:
            found[name] = (count - before["references"][name]) / ROUND
    return found


def main():
    warnings.simplefilter("ignore")
    only = sys.argv[1:]
    bad = 0
    for name, operation in operations.items():
        if only and name not in only:
            continue
        try:
            rounds(operation)
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}")
            bad += 1
            continue
        # What leaks grows in every round. What settles stops: a table that was due, or the C library's cache of small blocks, which it
        # counts as given out until the cache is full (seven blocks of each size).
        for _ in range(12):
            before = state()
            rounds(operation)
            found = growth(before, state())
            if not found:
                break
        if found:
            print(f"{name}: {', '.join(f'{key} {value:+.1f}' for key, value in found.items())} a call")
            bad += 1
    print(f"{len(only or operations)} operations, {bad} leave something behind")
    sys.exit(1 if bad else 0)


main()

"""Objects that lie, recurse, change under the hand or reshape themselves."""

import io
import struct

import numpy as np


def containing_itself(ndim=0):
    arr = np.empty((1,) * ndim, dtype=object)
    arr.fill(None)
    arr[(0,) * ndim] = arr
    return arr


def nested_list(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def list_in_itself():
    value = []
    value.append(value)
    return value


def nested_arrays(depth):
    value = None
    for _ in range(depth):
        outer = np.empty(1, dtype=object)
        outer[0] = value
        value = outer
    return value


def nested_dtype(depth):
    dt = np.dtype("i4")
    for _ in range(depth):
        dt = np.dtype([("a", dt)])
    return dt


class ArrayOfMe:
    def __array__(self, dtype=None, copy=None):
        return np.asarray(self)


class InterfaceOfMe:
    @property
    def __array_interface__(self):
        return np.asarray(self).__array_interface__


class StructOfMe:
    @property
    def __array_struct__(self):
        return np.asarray(self).__array_struct__


class Interface:
    def __init__(self, **entries):
        self.__array_interface__ = {"version": 3, "typestr": "<f8", "shape": (4,), **entries}


class StructIs:
    def __init__(self, value):
        self.__array_struct__ = value


class Returns:
    """An `__array__` that returns what it is given."""

    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        return self.value


class Length:
    """A sequence whose length is made up."""

    def __init__(self, n, item=1.0):
        self.n, self.item = n, item

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if isinstance(self.item, Exception):
            raise self.item
        return self.item


class Shortens:
    def __init__(self, victim):
        self.victim = victim

    def __float__(self):
        self.victim.clear()
        return 1.0


def shrinking():
    victim = [1.0, 2.0]
    victim[0] = Shortens(victim)
    victim.append(3.0)
    return victim


class Reshapes(np.ndarray):
    """Takes another shape whenever it is made."""

    def __array_finalize__(self, parent):
        if self.ndim == 1:
            self.shape = (1, self.size)


class Resizes(np.ndarray):
    def __array_finalize__(self, parent):
        try:
            self.resize((1,), refcheck=False)
        except ValueError:
            pass


class Retypes(np.ndarray):
    def __array_finalize__(self, parent):
        if self.dtype == np.int64 and self.flags.c_contiguous:
            self.dtype = np.int8


def of_class(cls, *args):
    return np.arange(6.0).reshape(2, 3).view(cls) if not args else np.asarray(args[0]).view(cls)


class Meddles:
    """An element that does something to its array whenever it is compared, added or asked for its truth."""

    def __init__(self, action):
        self.action, self.busy = action, False

    def _act(self, *_):
        if not self.busy:
            self.busy = True
            try:
                self.action()
            finally:
                self.busy = False
        return True

    __lt__ = __gt__ = __le__ = __ge__ = __eq__ = __ne__ = __bool__ = _act
    __hash__ = object.__hash__

    def __add__(self, other):
        self._act()
        return 1

    __radd__ = __mul__ = __rmul__ = __neg__ = __abs__ = __add__

    def __float__(self):
        self._act()
        return 1.0

    def __index__(self):
        self._act()
        return 0

    def __str__(self):
        self._act()
        return "meddler"

    __repr__ = __str__


def meddled(action, n=8):
    """An object array full of meddlers, which do `action(arr)`."""
    arr = np.empty(n, dtype=object)
    for i in range(n):
        arr[i] = Meddles(lambda: action(arr))
    return arr


def resize(arr):
    try:
        arr.resize(1, refcheck=False)
    except ValueError:
        pass


def reshape(arr):
    arr.shape = (1, 1) + arr.shape if arr.ndim < 40 else (arr.size,)


def clear(arr):
    arr[...] = None


def npy(header, data=b"", version=(1, 0), magic=b"\x93NUMPY"):
    if isinstance(header, dict):
        header = repr(header)
    text = header.encode("latin1") + b"\n"
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return io.BytesIO(magic + bytes(version) + size + text + data)


def load_npy(*args, **kwargs):
    return np.load(npy(*args, **kwargs))


def good(**entries):
    return {"descr": "<f8", "fortran_order": False, "shape": (2,), **entries}


def set_state(*state):
    """What pickle does to a fresh array, with a state that is not one of numpy's."""
    fresh = np.ndarray.__new__(np.ndarray, (0,), "b")
    fresh.__setstate__(state)
    return fresh


HUGE = 2**62
ONES = np.broadcast_to(np.int8(1), (2**40,))

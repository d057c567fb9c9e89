"""`micronumpy.fuse`: a function of arrays that runs as one loop.

The function runs once per signature with stand-ins for its arrays, which record what is done with them; from then on
its calls run the recorded expression, fused and compiled by the native library. A signature is the dtypes, numbers of
dimensions and broadcast pattern of the arrays and the types of the numbers. What the function does besides computing
with arrays (printing, say) happens when it is recorded, and not again.

This file turns Python's and numpy's ways of saying an operation into expressions. It computes nothing.
"""

import functools
import inspect
import linecache
import os
import sys

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from . import _micronumpy

Expr = _micronumpy.Expr


class FusionError(TypeError):
    """A function cannot be recorded as one expression; the message names the line."""


class _NeedsValue(BaseException):
    """The function wants to know the value of a number it was called with, which therefore becomes part of the
    signature. Not an `Exception`, so that the function does not catch it."""

    def __init__(self, index):
        self.index = index


def _place():
    """The line of the recorded function that is being executed: the innermost frame outside this file and numpy."""
    numpy_home = os.path.dirname(np.__file__) + os.sep
    frame = sys._getframe()
    here = frame.f_code.co_filename
    while frame is not None:
        file = frame.f_code.co_filename
        if file != here and not file.startswith(numpy_home):
            text = linecache.getline(file, frame.f_lineno, frame.f_globals).strip()
            place = f"{file}, line {frame.f_lineno}"
            return f"{place}: {text}" if text else place
        frame = frame.f_back
    return "an unknown place"


def _refuse(what):
    raise FusionError(f"{what} ({_place()})")


class Recording:
    """What recording one function found out."""

    def __init__(self, arguments):
        #: How many arguments the function was called with.
        self.arguments = arguments
        #: Arrays that are not arguments; they follow the arguments as further inputs of the expression.
        self.captured = []
        #: Whether the function looked at the shape of an array, which then belongs to the signature.
        self.uses_shape = False
        #: Warnings every call has to give: class and text.
        self.warnings = []

    def capture(self, array):
        for i, known in enumerate(self.captured):
            if known is array:
                return Expr.argument(self.arguments + i, array)
        self.captured.append(array)
        return Expr.argument(self.arguments + len(self.captured) - 1, array)


class Number:
    """Stands for a Python number the function was called with."""

    __array_priority__ = 1e6

    def __init__(self, recording, index, kind):
        self._recording, self._index, self._expr = recording, index, Expr.number(index, kind)

    def _value(self, *_):
        raise _NeedsValue(self._index)

    # Whatever is done with a number that is not done with an array is Python's business, and takes the value.
    __bool__ = __int__ = __float__ = __complex__ = __index__ = __hash__ = __str__ = __repr__ = __format__ = _value
    __round__ = __trunc__ = __floor__ = __ceil__ = __neg__ = __pos__ = __abs__ = __invert__ = _value

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise _NeedsValue(self._index)

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        if not any(isinstance(x, Symbol) for x in inputs):
            if any(isinstance(x, np.ndarray) for x in inputs):
                return _call(self._recording, ufunc, method, inputs, keywords)
            raise _NeedsValue(self._index)
        return NotImplemented


def _number_operator(name, reflected):
    def operator(self, other):
        if isinstance(other, Symbol):
            return NotImplemented
        if isinstance(other, np.ndarray):
            other = Symbol(self._recording, self._recording.capture(other))
            return getattr(other, reflected)(self)
        raise _NeedsValue(self._index)

    operator.__name__ = name
    return operator


_MIRRORS = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "divmod", "lshift", "rshift", "and", "or", "xor"):
    setattr(Number, f"__{_name}__", _number_operator(f"__{_name}__", f"__r{_name}__"))
    setattr(Number, f"__r{_name}__", _number_operator(f"__r{_name}__", f"__{_name}__"))
for _name, _mirror in _MIRRORS.items():
    setattr(Number, f"__{_name}__", _number_operator(f"__{_name}__", f"__{_mirror}__"))


class Symbol(NDArrayOperatorsMixin):
    """Stands for an array while a function is recorded."""

    __array_priority__ = 1e6
    __hash__ = None

    def __init__(self, recording, expr, argument=False):
        self._recording, self._expr, self._argument = recording, expr, argument

    # What is known of it.

    @property
    def dtype(self):
        return self._expr.dtype

    @property
    def ndim(self):
        return len(self._expr.shape)

    @property
    def shape(self):
        self._recording.uses_shape = True
        return self._expr.shape

    @property
    def size(self):
        n = 1
        for length in self.shape:
            n *= length
        return n

    def __len__(self):
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    # What is not.

    def __bool__(self):
        _refuse("a branch depends on the values of an array, which are not known while a function is recorded; "
                "numpy.where selects by them")  # fmt: skip

    def _unknown(self, *_, **__):
        _refuse("the values of an array are not known while a function is recorded")

    __int__ = __float__ = __complex__ = __index__ = item = tolist = tobytes = _unknown

    def __iter__(self):
        _refuse("the elements of an array cannot be visited one by one in a fused function")

    def __getitem__(self, index):
        _refuse("indexing is not part of fused functions yet")

    def __setitem__(self, index, value):
        _refuse("assignment to elements is not part of fused functions yet")

    def __array__(self, dtype=None, copy=None):
        _refuse("a function that is not elementwise wants the values of an array")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if hasattr(np.ndarray, name):
            _refuse(f"'{name}' is not part of fused functions")
        raise AttributeError(f"'numpy.ndarray' object has no attribute '{name}'")

    # What is done with it.

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return _call(self._recording, ufunc, method, inputs, keywords)

    def __array_function__(self, function, types, args, keywords):
        handler = _FUNCTIONS.get(function)
        if handler is None:
            _refuse(f"numpy.{function.__name__} is not part of fused functions")
        try:
            return handler(self._recording, *args, **keywords)
        except TypeError as error:
            if error.__traceback__.tb_next is None:
                _refuse(f"numpy.{function.__name__}: {error}, in a fused function")
            raise

    def __pow__(self, other):
        # Arrays know better ways for some exponents.
        return self._new(self._expr.pow(_expr(self._recording, other)))

    def __matmul__(self, other):
        _refuse("matrix products are not part of fused functions")

    __rmatmul__ = __imatmul__ = __matmul__

    def _new(self, expr):
        return Symbol(self._recording, expr)

    def _in_place(self, ufunc, other):
        if self._argument:
            _refuse("an argument would be changed in place; a fused function returns its results")
        result = ufunc(self, other)
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            ufunc(np.empty(1, self.dtype), np.empty(1, result.dtype), out=np.empty(1, self.dtype))
        if result._expr.shape != self._expr.shape:
            raise ValueError(
                f"non-broadcastable output operand with shape {_text(self._expr.shape)} doesn't match the broadcast "
                f"shape {_text(result._expr.shape)}"
            )
        return result if result.dtype == self.dtype else result.astype(self.dtype)

    def astype(self, dtype, order="K", casting="unsafe", subok=True, copy=True):
        dtype = np.dtype(dtype)
        if not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(
                f"Cannot cast array data from {self.dtype!r} to {dtype!r} according to the rule '{casting}'"
            )
        if self.dtype.kind == "c" and dtype.kind not in "cb":
            what = np.exceptions.ComplexWarning, "Casting complex values to real discards the imaginary part"
            self._recording.warnings.append(what)
        return self._new(self._expr.astype(dtype))

    def copy(self, order="C"):
        return Symbol(self._recording, self._expr)

    @property
    def real(self):
        if self.dtype.kind == "c":
            _refuse("parts of complex arrays are not part of fused functions yet")
        return self

    @property
    def imag(self):
        if self.dtype.kind == "c":
            _refuse("parts of complex arrays are not part of fused functions yet")
        return np.zeros_like(self)

    def conj(self):
        return np.conjugate(self) if self.dtype.kind == "c" else self

    conjugate = conj

    def clip(self, min=None, max=None):
        return np.clip(self, min, max)

    def round(self, decimals=0):
        return np.round(self, decimals)

    def sum(self, axis=None, dtype=None, out=None, keepdims=False):
        return _reduce(self, "add", axis, dtype, out, keepdims)

    def prod(self, axis=None, dtype=None, out=None, keepdims=False):
        return _reduce(self, "multiply", axis, dtype, out, keepdims)

    def min(self, axis=None, out=None, keepdims=False):
        return _reduce(self, "minimum", axis, None, out, keepdims)

    def max(self, axis=None, out=None, keepdims=False):
        return _reduce(self, "maximum", axis, None, out, keepdims)

    def any(self, axis=None, out=None, keepdims=False):
        return _reduce(self, "logical_or", axis, None, out, keepdims)

    def all(self, axis=None, out=None, keepdims=False):
        return _reduce(self, "logical_and", axis, None, out, keepdims)

    def mean(self, axis=None, dtype=None, out=None, keepdims=False):
        if dtype is not None or out is not None:
            _refuse("the keywords 'dtype' and 'out' of mean are not part of fused functions")
        return self._new(self._expr.mean(_axes(axis, None), bool(keepdims)))

    def var(self, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
        if dtype is not None or out is not None or ddof or self.dtype.kind not in "fiub":
            _refuse("var with these arguments is not part of fused functions")
        # As numpy's own: the mean is kept as a float of its own precision, deviations are squared and averaged.
        source = self.astype("f8") if self.dtype.kind in "iub" else self
        deviation = source - source.mean(axis, keepdims=True)
        return (deviation * deviation).mean(axis, keepdims=keepdims)

    def std(self, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
        return np.sqrt(self.var(axis, dtype, out, ddof, keepdims))


def _in_place(name):
    ufunc = {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
        "mod": np.remainder, "pow": np.power, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
        "lshift": np.left_shift, "rshift": np.right_shift,
    }[name]  # fmt: skip
    return lambda self, other: self._in_place(ufunc, other)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"):
    setattr(Symbol, f"__i{_name}__", _in_place(_name))


def _text(shape):
    return "(" + ",".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _expr(recording, value):
    """An operand as an expression."""
    if isinstance(value, (Symbol, Number)):
        return value._expr
    if isinstance(value, (bool, np.generic)):
        return Expr.scalar(value)
    if isinstance(value, (int, float, complex)):
        return Expr.constant(value)
    if type(value) is np.ndarray:
        return recording.capture(value)
    if isinstance(value, (list, tuple)) and not any(isinstance(v, (Symbol, Number)) for v in value):
        return recording.capture(np.array(value))
    _refuse(f"an operand of type {type(value).__name__} is not part of fused functions")


def _call(recording, ufunc, method, inputs, keywords):
    """A ufunc called with stand-ins."""
    out = keywords.pop("out", None)
    if out is not None and any(o is not None for o in out):
        _refuse("'out' is not part of fused functions")
    dtype = keywords.pop("dtype", None)
    if method == "reduce":
        (source,) = inputs
        keywords = {"axis": 0, "keepdims": False, **keywords}
        axis, keepdims = keywords.pop("axis"), keywords.pop("keepdims")
        if keywords:
            _refuse(f"the keyword '{next(iter(keywords))}' of reduce is not part of fused functions")
        return _reduce(source, ufunc.__name__, axis, dtype, None, keepdims)
    if method != "__call__":
        _refuse(f"the method '{method}' of ufuncs is not part of fused functions")
    if keywords:
        _refuse(f"the keyword '{next(iter(keywords))}' of ufuncs is not part of fused functions")
    if getattr(np._core.umath, ufunc.__name__, None) is not ufunc or ufunc.signature is not None:
        _refuse(f"the ufunc '{ufunc.__name__}' is not part of fused functions")
    operands = [_expr(recording, x) for x in inputs]
    if dtype is not None:
        dtype = np.dtype(dtype)
        operands = [e if e.is_number else e.astype(dtype) for e in operands]
    results = tuple(Symbol(recording, e) for e in Expr.ufunc(ufunc.__name__, operands))
    return results[0] if len(results) == 1 else results


def _axes(axis, ndim):
    # What has no axes may be asked to fold its first.
    if axis is None or ndim == 0 and axis in (0, -1):
        return None
    return list(axis) if isinstance(axis, tuple) else [axis]


def _reduce(source, name, axis, dtype, out, keepdims):
    if out is not None:
        _refuse("'out' is not part of fused functions")
    dtype = None if dtype is None else np.dtype(dtype)
    return source._new(source._expr.reduce(name, _axes(axis, source.ndim), bool(keepdims), dtype))


# numpy's functions that are not ufuncs.

_FUNCTIONS = {}


def _handles(*functions):
    def register(handler):
        _FUNCTIONS.update(dict.fromkeys(functions, handler))
        return handler

    return register


@_handles(np.where)
def _where(recording, condition, x, y):
    dtype = Expr.where(*(_expr(recording, v) for v in (condition, x, y))).dtype

    def branch(value):
        # Here numbers are cast like arrays, whatever is lost.
        if isinstance(value, Number):
            value._value()
        if type(value) in (int, float, complex):
            value = np.asarray(value).astype(dtype)[()]
        return _expr(recording, value)

    return Symbol(recording, Expr.where(_expr(recording, condition), branch(x), branch(y)))


@_handles(np.clip)
def _clip(recording, a, a_min=None, a_max=None, *, min=None, max=None):
    low, high = a_min if min is None else min, a_max if max is None else max
    if low is None and high is None:
        return np.positive(a)
    if low is None:
        return np.minimum(a, high)
    return np.maximum(a, low) if high is None else _call(recording, np._core.umath.clip, "__call__", (a, low, high), {})


@_handles(np.round, np.around)
def _round(recording, a, decimals=0, out=None):
    if decimals or out is not None:
        _refuse("rounding to other than whole numbers is not part of fused functions")
    return np.rint(a) if a.dtype.kind in "fc" else a.copy()


def _method(name):
    def handler(recording, a, *args, **keywords):
        return getattr(a, name)(*args, **keywords)

    return handler


for _name in ("sum", "prod", "min", "max", "any", "all", "mean", "var", "std"):
    _handles(getattr(np, _name))(_method(_name))
_handles(np.copy)(_method("copy"))


@_handles(np.real)
def _real(recording, a):
    return a.real


@_handles(np.imag)
def _imag(recording, a):
    return a.imag


@_handles(np.shape)
def _shape(recording, a):
    return a.shape


@_handles(np.ndim)
def _ndim(recording, a):
    return a.ndim


@_handles(np.size)
def _size(recording, a, axis=None):
    return a.size if axis is None else a.shape[axis]


@_handles(np.zeros_like)
def _zeros_like(recording, a, dtype=None):
    return _full_like(recording, a, 0, dtype)


@_handles(np.ones_like)
def _ones_like(recording, a, dtype=None):
    return _full_like(recording, a, 1, dtype)


@_handles(np.full_like)
def _full_like(recording, a, value, dtype=None):
    never = Expr.scalar(np.False_)
    dtype = np.dtype(a.dtype if dtype is None else dtype)
    return Symbol(recording, Expr.where(never, a._expr.astype(dtype), _expr(recording, value)).astype(dtype))


def _record(function, args, static):
    """Run a function with stand-ins: what it returned, and what was found out. Arguments in `static` stay themselves."""
    recording = Recording(len(args))
    stand_ins = []
    for i, value in enumerate(args):
        if i in static or isinstance(value, (bool, np.bool_)):
            stand_ins.append(value)
        elif type(value) is np.ndarray or isinstance(value, np.generic):
            stand_ins.append(Symbol(recording, Expr.argument(i, np.asarray(value)), argument=True))
        elif type(value) in (int, float, complex):
            stand_ins.append(Number(recording, i, type(value)))
        else:
            stand_ins.append(value)
    return function(*stand_ins), recording


def _trace(function, args):
    """Called by the native half for a signature it does not know.

    Gives `(outputs, structure, captured, static, uses_shape, warnings)`: the expressions to compute, how results are put
    together, further input arrays, which parts of the arguments belong to the signature, and what every call warns of.
    """
    static = set()
    while True:
        try:
            returned, recording = _record(function, args, static)
            break
        except _NeedsValue as needs:
            static.add(needs.index)
    outputs = []

    def structure(value):
        if isinstance(value, (Symbol, Number)):
            outputs.append(value._expr)
            return len(outputs) - 1
        if type(value) in (tuple, list):
            return type(value), [structure(v) for v in value]
        if type(value) is dict:
            return dict, [(k, structure(v)) for k, v in value.items()]
        outputs.append(_expr(recording, value) if isinstance(value, np.ndarray) else None)
        if outputs[-1] is None:
            outputs.pop()
            return "constant", value
        return len(outputs) - 1

    shape = structure(returned)
    return outputs, shape, recording.captured, sorted(static), recording.uses_shape, recording.warnings


def _assemble(structure, results):
    if isinstance(structure, int):
        return results[structure]
    kind, parts = structure
    if kind is dict:
        return {k: _assemble(part, results) for k, part in parts}
    if kind == "constant":
        return parts
    return kind(_assemble(part, results) for part in parts)


class Fused:
    """A function that runs as one loop; see `fuse`."""

    def __init__(self, function):
        functools.update_wrapper(self, function)
        self._native = _micronumpy.Fused(functools.partial(_trace, function), _assemble)
        self._call = self._native.call
        self._signature = None

    def __call__(self, *args, **keywords):
        if keywords or self.__wrapped__.__defaults__:
            args = self._positional(args, keywords)
        return self._call(*args)

    def _positional(self, args, keywords):
        if self._signature is None:
            self._signature = inspect.signature(self.__wrapped__)
            for parameter in self._signature.parameters.values():
                if parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
                    raise FusionError(f"the keyword-only parameter '{parameter.name}' of {self.__qualname__}() cannot be fused")
        bound = self._signature.bind(*args, **keywords)
        bound.apply_defaults()
        return bound.args

    def __get__(self, instance, owner=None):
        return self if instance is None else functools.partial(self, instance)

    def explain(self, code=False):
        """What was fused and what not, for every signature seen; with `code`, the machine code too."""
        return self._native.explain(code)

    def __repr__(self):
        return f"<micronumpy.fuse of {self.__wrapped__!r}>"


def fuse(function=None):
    """Make a function of arrays run as one loop without temporaries.

        @micronumpy.fuse
        def blend(a, b, t):
            return numpy.where(t > 0.5, a, b) * t + a

    Results are those of the plain function, to the bit, with the same warnings. The function may use elementwise
    operations, `numpy.where`, `clip`, casts, and the reductions sum, prod, min, max, any, all, mean, var and std; it
    returns arrays, or tuples, lists or dicts of them. Branches may depend on numbers, dtypes and shapes, but not on the
    values of arrays: that is a `FusionError` naming the line. Arrays it finds outside its arguments are read at each call.

    `blend.explain()` tells what was made of it.
    """
    return fuse if function is None else Fused(function)

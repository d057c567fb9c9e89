"""One interpreter answers questions, a JSON line each.

    {"list": true}                              -> public names, ufuncs and dtypes, with the number of uses of a name
    {"module": M, "name": N, "use": I}          -> what use I of the name gives
    {"ufunc": N, "dtype": D}                    -> what the ufunc gives for small arrays of the dtype

An answer describes a value so that equal answers mean equal values: {"kind", "head", "text" or "bytes"}, or an exception:
{"error", "message"}.
"""

import contextlib
import importlib
import inspect
import io
import json
import os
import re
import signal
import sys
import types
import warnings

import numpy as np

MODULES = [
    "numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.ma", "numpy.polynomial", "numpy.char", "numpy.strings",
    "numpy.rec", "numpy.lib", "numpy.lib.stride_tricks", "numpy.lib.array_utils", "numpy.lib.format", "numpy.lib.mixins",
    "numpy.lib.npyio", "numpy.lib.scimath", "numpy.lib.introspect", "numpy.dtypes", "numpy.exceptions", "numpy.testing",
    "numpy.typing", "numpy.ctypeslib", "numpy.polynomial.polynomial", "numpy.polynomial.chebyshev",
    "numpy.polynomial.legendre", "numpy.polynomial.hermite", "numpy.polynomial.hermite_e", "numpy.polynomial.laguerre",
]  # fmt: skip

#: Functions that must not be called blindly: they run test suites, or print what depends on the machine.
ONLY_LOOKED_AT = {
    "numpy.test", "numpy.show_config", "numpy.show_runtime", "numpy.info", "numpy.get_include", "numpy.f2py",
    "numpy.linalg.test", "numpy.fft.test", "numpy.random.test", "numpy.ma.test", "numpy.polynomial.test", "numpy.lib.test",
    "numpy.testing.measure", "numpy.testing.rundocs", "numpy.testing.runstring", "numpy.testing.break_cycles",
    "numpy.random.get_state", "numpy.random.seed", "numpy.random.set_state", "numpy.random.set_bit_generator",
    "numpy.random.get_bit_generator", "numpy.lib.introspect.opt_func_info", "numpy.setbufsize", "numpy.seterr",
    "numpy.seterrcall", "numpy.set_printoptions", "numpy.testing.tempdir", "numpy.testing.temppath",
    "numpy.testing.check_support_sve", "numpy.testing.memusage", "numpy.testing.jiffies", "numpy.empty", "numpy.empty_like",
    "numpy.ma.empty", "numpy.ma.empty_like", "numpy.random.SeedSequence", "numpy.random.default_rng",
    "numpy.random.Generator", "numpy.random.BitGenerator", "numpy.ndarray", "numpy.recarray", "numpy.rec.recarray",
    "numpy.char.chararray", "numpy.memmap", "numpy.lib.npyio.NpzFile", "numpy.lib.npyio.DataSource",
    "numpy.ctypeslib.load_library", "numpy.ma.ids", "numpy.lib.array_utils.byte_bounds", "numpy.typing.NDArray",
    "numpy.ma.frombuffer",
}  # fmt: skip

DTYPES = [
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "longlong", "ulonglong", "float16",
    "float32", "float64", "longdouble", "complex64", "complex128", "clongdouble", "datetime64[s]", "timedelta64[s]", "S3",
    "U3", "StringDType", "object", "V4",
]  # fmt: skip


def arguments(count):
    """The ways in which a function is called: a few small arguments of different kinds."""
    vector = np.array([0.5, 2.0, 1.0, 3.0])
    square = np.array([[2.0, 0.5, 0.0], [0.5, 3.0, 1.0], [0.0, 1.0, 4.0]])
    whole = np.array([3, 1, 2, 2])
    return [
        lambda: (), lambda: (vector.copy(),), lambda: (square.copy(),), lambda: (whole.copy(),), lambda: (3,),
        lambda: (np.array(["ab", "c"]),), lambda: (vector.copy(), vector[::-1].copy()), lambda: (square.copy(), square.T.copy()),
        lambda: (whole.copy(), 2), lambda: (vector.copy(), 1, 0),
    ][:count]  # fmt: skip


CALLS = 10
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type(np.random.beta), type(np.dot))


def public(module):
    names = getattr(module, "__all__", None) or dir(module)
    return sorted(name for name in set(names) if not name.startswith("_"))


def is_function(value):
    return callable(value) and not isinstance(value, types.ModuleType)


def listing():
    names = []
    for title in MODULES:
        module = importlib.import_module(title)
        for name in public(module):
            try:
                value = getattr(module, name)
            except AttributeError:
                continue
            if getattr(value, "__name__", "").split(".")[0] not in ("numpy", "") and isinstance(value, types.ModuleType):
                continue
            kind = (
                "module" if isinstance(value, types.ModuleType)
                else "ufunc" if isinstance(value, np.ufunc)
                else "exception" if isinstance(value, type) and issubclass(value, BaseException)
                else "class" if isinstance(value, type)
                else "function" if callable(value)
                else "constant"
            )  # fmt: skip
            called = is_function(value) and kind != "exception" and f"{title}.{name}" not in ONLY_LOOKED_AT
            names.append({"module": title, "name": name, "kind": kind, "uses": 1 + CALLS * called})
    ufuncs = sorted(name for name in dir(np) if isinstance(getattr(np, name), np.ufunc))
    # Two names of one ufunc are one row.
    ufuncs = [name for name in ufuncs if getattr(np, name).__name__ == name]
    return {"names": names, "ufuncs": ufuncs, "dtypes": DTYPES}


def describe(value, depth=0):
    """A value as JSON in which equal means equal."""
    if isinstance(value, np.ndarray) and type(value) is np.ndarray or isinstance(value, np.generic):
        array = np.asarray(value)
        head = f"{type(value).__name__} {array.dtype.str} {array.shape} {array.flags.c_contiguous} {array.flags.writeable}"
        text = repr(value)[:300]
        if array.dtype.hasobject or array.dtype.kind == "T":
            return {"kind": "objects", "head": head, "text": repr(array.tolist())[:2000]}
        if array.dtype.char in "gG":
            # Ten bytes of a long double count, the padding does not.
            return {"kind": "wide", "head": head, "text": repr(array.tolist())[:2000]}
        data = array.tobytes()
        if array.dtype.kind in "fc":
            data = np.where(array == array, array, np.nan).astype(array.dtype).tobytes() if array.dtype.kind == "f" else data
        return {"kind": "array", "head": head, "dtype": array.dtype.str, "bytes": data[:4096].hex(), "text": text}
    if isinstance(value, (tuple, list)) and depth < 3:
        parts = [describe(part, depth + 1) for part in value[:20]]
        return {"kind": type(value).__name__, "parts": parts, "text": repr(value)[:300]}
    if isinstance(value, type):
        return {"kind": "type", "text": f"{value.__module__}.{value.__qualname__}"}
    if isinstance(value, types.ModuleType):
        return {"kind": "module", "text": value.__name__}
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None), np.dtype)):
        return {"kind": type(value).__name__, "text": repr(value)}
    if isinstance(value, np.ndarray):
        return {"kind": f"{type(value).__module__}.{type(value).__name__}", "text": repr(value)[:2000]}
    if isinstance(value, FUNCTIONS):
        # Compiled functions of all kinds are one kind to whoever calls them.
        return {"kind": "function", "text": value.__name__}
    # Others by type only: their repr may hold an address.
    return {"kind": f"{type(value).__module__}.{type(value).__name__}", "text": ""}


def use(module, name, number):
    value = getattr(importlib.import_module(module), name)
    if number == 0:
        kind = describe(value)
        if is_function(value):
            with contextlib.suppress(ValueError, TypeError):
                kind["text"] += re.sub(r" at 0x[0-9a-f]+", "", str(inspect.signature(value)))
        return kind
    args = arguments(CALLS)[number - 1]()
    result = value(*args)
    if isinstance(result, types.GeneratorType):
        result = list(result)
    # What a function did to its arguments is part of the answer.
    answer = describe(result)
    answer["args"] = [describe(arg) for arg in args]
    return answer


def operand(dtype, seed):
    numbers = [[1, 2, 3, 5], [2, 1, 3, 4], [1, 1, 2, 2]][seed]
    if dtype == "StringDType":
        return np.array(["ab", "c", "", "Dé"][seed:] + ["x"] * seed, dtype=np.dtypes.StringDType())
    if dtype[0] in "SU":
        return np.array(["ab", "c", "", "Dz"], dtype=dtype)
    if dtype == "V4":
        return np.array([b"abcd", b"efgh"], dtype=dtype)
    if dtype == "object":
        return np.array(numbers, dtype=object)
    if dtype == "bool":
        return np.array([True, False, True, False])
    array = np.array(numbers).astype(dtype)
    if array.dtype.kind in "fc":
        # In the domain of every elementary function, some at its ends.
        array = (array / 8).astype(dtype)
    return array


def ufunc(name, dtype):
    function = getattr(np, name)
    signature = function.signature
    args = [operand(dtype, seed) for seed in range(function.nin)]
    if signature is not None:
        # Square operands fit every signature with two core dimensions; others take vectors.
        dims = [part.strip("()").split(",") for part in signature.split("->")[0].split("),(")]
        args = [arg[:4].reshape(2, 2) if len(dim) == 2 and len(arg) == 4 else arg for arg, dim in zip(args, dims)]
        if any(len(dim) == 2 for dim in dims):
            args = [arg[:2] if arg.ndim == 1 else arg for arg in args]
    return describe(function(*args))


class TooLong(BaseException):
    pass


def alarm(*_):
    raise TooLong


def answer(question):
    np.random.seed(1)
    if "list" in question:
        return listing()
    if "ufunc" in question:
        return ufunc(question["ufunc"], question["dtype"])
    return use(question["module"], question["name"], question["use"])


def main():
    patience = int(sys.argv[1])
    channel = os.dup(1)
    # What a function prints is no answer.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    sys.stdout = io.StringIO()
    signal.signal(signal.SIGALRM, alarm)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        question = json.loads(line)
        signal.alarm(patience)
        try:
            reply = answer(question)
        except TooLong:
            reply = {"error": "TooLong", "message": f"no answer in {patience} seconds"}
        except BaseException as error:
            try:
                message = str(error)[:500]
            except Exception:
                message = ""
            reply = {"error": type(error).__name__, "message": message}
        signal.alarm(0)
        sys.stdout = io.StringIO()
        os.write(channel, json.dumps(reply).encode("ascii") + b"\n")


if __name__ == "__main__":
    main()

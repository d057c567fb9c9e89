"""Run cases read from files and print what each does: the other half of ``run.py``, executed by both numpys.

Standard input names one file of cases per line; every case becomes one line of JSON. The arrays of a case are written byte
by byte into buffers of our own, so that building them relies on as little of numpy as possible.
"""

import json
import os
import random
import struct
import sys
import warnings

import numpy as np
from numpy.lib.stride_tricks import as_strided

# Results with more elements than this are compared by a digest.
LONG = 4000

FLOATS = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -2.5, 3.0, 1e-3, 7.25, -1e4, 100.0]
SPECIAL = [float("inf"), float("-inf"), float("nan"), 1e-320, 65504.0, 6e-8, 3e38, -1e300, 1e19, 2.0**63]
OBJECTS = [0, 1, -1, 2, 3.5, True, 10**20, 1.25, -7, 2**64]
WORDS = ["", "a", "b", "ab", "1", "-2", "3.5", "zz", "nan", "True", "2001-02-03"]


def element(rng, dtype, special, whole=False):
    """The bytes of an element in the dtype's own byte order."""
    kind, size = dtype.kind, dtype.itemsize
    order = "big" if dtype.str[0] == ">" else "little"
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return b"".join(element(rng, base, special) for _ in range(int(np.prod(shape, dtype=int))))
    if dtype.names is not None:
        whole = bytearray(size)
        for name in dtype.names:
            field, offset = dtype.fields[name][:2]
            whole[offset : offset + field.itemsize] = element(rng, field, special)
        return bytes(whole)
    if kind == "b":
        return bytes([rng.randrange(2)])
    if kind in "iumM":
        signed = kind != "u"
        low, high = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if signed else (0, (1 << 8 * size) - 1)
        pick = rng.random()
        if pick < 0.75 or not special or whole:
            value = rng.randrange(-4 if signed else 0, 10)
        elif pick < 0.9:
            value = rng.choice([low, low + 1, high, high - 1, 0, high // 2 + 1])
        else:
            value = rng.randrange(low, high + 1)
        return value.to_bytes(size, order, signed=signed)
    if kind in "fc":
        count = 2 if kind == "c" else 1
        numbers = [float(rng.randrange(-8, 9)) if whole else real(rng, special) for _ in range(count)]
        code = {2: "e", 4: "f", 8: "d"}.get(size // count)
        if code is None:
            # Padding is zero, so that it cannot differ.
            bits = b"".join(np.longdouble(x).tobytes()[:10] + bytes(6) for x in numbers)
            return b"".join(bits[i : i + 16][::-1] for i in range(0, len(bits), 16)) if order == "big" else bits
        sign = ">" if order == "big" else "<"
        return b"".join(pack(sign + code, x) for x in numbers)
    if kind == "S":
        return rng.choice(WORDS).encode()[:size].ljust(size, b"\0")
    if kind == "U":
        word = rng.choice(WORDS)[: size // 4].encode("utf-32-be" if order == "big" else "utf-32-le")
        return word.ljust(size, b"\0")
    return bytes(rng.randrange(3) for _ in range(size))


def real(rng, special):
    pick = rng.random()
    if special and pick < 0.2:
        return rng.choice(SPECIAL)
    return rng.choice(FLOATS) if pick < 0.6 else rng.uniform(-10, 10)


def pack(code, number):
    try:
        return struct.pack(code, number)
    except OverflowError:
        return struct.pack(code, float("inf") if number > 0 else float("-inf"))


def build(spec, made):
    """The array of a specification: see ``generate.array``."""
    if "view" in spec:
        return eval(spec["view"], {"np": np, "as_strided": as_strided, **made})
    dtype = eval(spec["dtype"], {"np": np}) if spec["dtype"].startswith("np.") else np.dtype(eval(spec["dtype"]))
    rng = random.Random(spec["seed"])
    shape, steps, order = spec["shape"], spec["steps"], spec["order"]
    itemsize = max(dtype.itemsize, 1) if not dtype.hasobject else 8
    strides, stride, low, high = [0] * len(shape), itemsize, 0, 0
    for axis in order:
        strides[axis] = stride * steps[axis]
        reach = strides[axis] * max(shape[axis] - 1, 0)
        low, high = low + min(reach, 0), high + max(reach, 0)
        stride *= max(shape[axis], 1) * max(abs(steps[axis]), 1)
    count = (high - low) // itemsize + 1
    if dtype.hasobject:
        flat = np.empty(count, dtype)
        for i in range(count):
            flat[i] = rng.choice(OBJECTS)
        return as_strided(flat[-low // itemsize :], shape, strides)
    memory = bytearray(spec["shift"]) + b"".join(element(rng, dtype, spec["special"], spec.get("whole", False)) for _ in range(count)) + bytes(itemsize)
    result = np.ndarray(tuple(shape), dtype, memory, spec["shift"] - low, tuple(strides))
    if spec.get("readonly"):
        result.flags.writeable = False
    return result


def content(array):
    """The elements as text; every NaN is the same, padding is left out."""
    if array.dtype.names is not None:
        return {name: content(array[name]) for name in array.dtype.names}
    if array.dtype.hasobject or array.dtype.kind == "T":
        return repr([(type(x).__name__, x) for x in array.ravel().tolist()])
    if array.dtype.kind in "fc":
        half = array.dtype.itemsize // (2 if array.dtype.kind == "c" else 1)
        code = {2: "e", 4: "f", 8: "d"}.get(half)
        raw = array.tobytes()
        if code is None:
            parts = [raw[i : i + half] for i in range(0, len(raw), half)]
            if array.dtype.str[0] == ">":
                parts = [p[::-1] for p in parts]
            return ["nan" if p[8] == 255 and p[9] & 127 == 127 and p[:8] != b"\0" * 7 + b"\x80" else p[:10].hex() for p in parts]
        sign = ">" if array.dtype.str[0] == ">" else "<"
        numbers = struct.unpack(f"{sign}{len(raw) // half}{code}", raw)
        return [f"{code}nan" if x != x else f"{code}{x.hex()}" for x in numbers]
    return array.tobytes().hex()


def digest(array):
    """The content, or of long arrays a number for it; bytes of objects are addresses, and long doubles have unused ones."""
    if array.size <= LONG or array.dtype.names is not None:
        return content(array)
    if array.dtype.char in "efdFD":
        # Every NaN is the same.
        array = np.array(array, array.dtype.newbyteorder("="), order="C")
        parts = array.reshape(-1).view(array.real.dtype)
        parts[parts != parts] = np.nan
    return hash(str(content(array)) if array.dtype.hasobject or array.dtype.char in "gG" else array.tobytes())


def describe(x):
    """What can be seen of a result."""
    if isinstance(x, np.ndarray):
        text = digest(x)
        flags = "".join(letter for letter, flag in zip("CFWA", flag_values(x)) if flag)
        # The stride of an axis that is never stepped along says nothing.
        strides = [stride if n != 1 else None for n, stride in zip(x.shape, x.strides)]
        return [type(x).__name__, str(x.dtype.descr if x.dtype.names else x.dtype.str), x.shape, strides, flags, text]
    if isinstance(x, np.generic):
        return [type(x).__name__, str(x.dtype.str), content(np.asarray(x))]
    if isinstance(x, (tuple, list)):
        return [type(x).__name__, [describe(y) for y in x]]
    if isinstance(x, float):
        return ["float", "nan" if x != x else x.hex()]
    return [type(x).__name__, repr(x)]


def flag_values(x):
    flags = x.flags
    return flags.c_contiguous, flags.f_contiguous, flags.writeable, flags.aligned


def outcome(case):
    made = {}
    for name, spec in case["arrays"].items():
        made[name] = build(spec, made)
    seen = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            scope = {"np": np, "inf": float("inf"), "nan": float("nan"), "as_strided": as_strided, **made}
            *statements, last = case["code"]
            for statement in statements:
                exec(statement, scope)
            seen["result"] = describe(eval(last, scope))
        except Exception as error:
            seen["error"] = f"{type(error).__name__}: {error}"
    seen["warnings"] = [f"{w.category.__name__}: {w.message}" for w in caught]
    seen["arrays"] = {name: digest(a) for name, a in made.items()}
    return seen


def tell(text):
    """Write a line, all of it: a process that is stopped and goes on may find that a pipe has taken a part only."""
    left = f"{text}\n".encode()
    while left:
        left = left[os.write(1, left) :]


def main():
    for name in sys.stdin:
        with open(name.strip(), encoding="utf-8") as file:
            cases = json.load(file)
        for case in cases:
            try:
                text = json.dumps(outcome(case))
            except Exception as error:
                # A case that shrinking has made impossible.
                text = json.dumps({"error": f"no such arrays: {error}"})
            tell(text)


main()

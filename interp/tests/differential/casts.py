"""Print what every cast between builtin DTypes resolves to: level, dtypes of the loop, offset of a view."""

import numpy as np
from numpy._core._multiarray_umath import _get_castingimpl

plain = [np.dtype(c) for c in "?bBhHiIlLqQefdgFDGOSUVMm"]
texts = """>i2 >i4 >l >q >f8 >c16 S3 S5 U3 >U3 U5 V3 V4 V8 V16 M8[s] >M8[s] M8[ms] M8[1000ms] m8[s] m8[D] m8[M] >m8[us]
(2,)i4 (1,)i4 (2,)f8 (2,1)i4 i4,i4 i4,f4 >i4,i4""".split()
structs = [
    {"names": ["a", "b"], "formats": ["i4", "f4"], "offsets": [2, 6]},
    {"names": ["b", "a"], "formats": ["i4", "f4"], "offsets": [0, 4]},
    {"names": ["a"], "formats": ["i4"], "offsets": [2]},
    {"names": ["a"], "formats": ["i4"], "offsets": [2], "itemsize": 12},
    {"names": ["a"], "formats": ["i4"], "itemsize": 12},
    [("a", "i4")],
    [("a", "i4"), ("b", "O")],
    [(("t", "a"), "i4"), ("b", "f4")],
    [("a", "i4", (2,)), ("b", "S3")],
    [("a", "S3"), ("b", "U2")],
    [("x", [("a", ">i4")])],
    [],
]
dtypes = plain + [np.dtype(t) for t in texts + structs] + [np.dtype("i1,i8", align=True)]

for from_ in dtypes:
    for DType in map(type, plain):
        cast = _get_castingimpl(type(from_), DType)
        for to in [None] + [d for d in dtypes if type(d) is DType]:
            try:
                casting, loop, view = cast._resolve_descriptors((from_, to))
                outcome = casting, view, loop and (loop[0] is from_, *loop)
            except TypeError as error:
                outcome = str(error)
            print(f">>> {from_!r} {DType.__name__} {to!r}: {outcome}")

for one in map(type, plain):
    for other in map(type, plain):
        cast = _get_castingimpl(one, other)
        print(f">>> {cast!r} {cast._supports_unaligned}")

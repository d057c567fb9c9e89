"""When two outcomes are the same: to the bit, but for the exceptions named here with their reasons."""

import re
import struct

# Functions whose results may be this many units in the last place apart, and why.
VMATH = "ours is the nearer one (ufuncs/vmath/ACCURACY.md); numpy's vector code is within 4 units"
ULPS = {name: (4, VMATH) for name in """sqrt cbrt exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh
tanh arcsinh arccosh arctanh power float_power arctan2 hypot""".split()}
# Both round an exponential before they take its logarithm, which counts for more where the result is near zero.
ULPS |= {name: (1 << 14, VMATH) for name in ("logaddexp", "logaddexp2")}
# Of complex numbers; numpy's results are others for rows that are walked backwards.
ULPS |= {name: (1, VMATH) for name in ("absolute",)}
# Which of two zeros is the larger one depends on where in a vector of numpy's they are.
ULPS |= {name: (0, "zeros") for name in ("fmax", "fmin")}
# Products of matrices and vectors.
CORE = "np.matmul np.vecdot np.matvec np.vecmat".split()


def allowed(case):
    """How many units results may be apart, if any; with none zeros may have either sign."""
    code = [case.get("call", ""), *case.get("lines", [])]
    if any("**=" in line or " ** " in line for line in code):
        return ULPS["power"][0]
    names = [name for line in code for name in re.findall(r"\bnp\.(\w+)", line)]
    ulps = max((ULPS[name][0] for name in names if name in ULPS), default=None)
    if ulps and case.get("call", "").endswith(".at"):
        # Elements may be operated on several times, and what is a little apart grows.
        ulps <<= 12
    if case.get("call", "").endswith("clip"):
        # Which of two zeros stays depends on whether limits are the same for a row, and that on what numpy's iterator copies
        # into buffers to make rows longer.
        return 0
    if ulps is None and case.get("call") in CORE and re.search("[FD]'", str([s.get("dtype") for s in case["arrays"].values()] + [case["kwargs"].get(name) for name in ("dtype", "signature")])):
        # What a BLAS starts the sums of a complex product with, and in what order it adds, shows in the sign of a zero.
        return 0
    return ulps


def undefined(case, ours, stock):
    """Whether numpy 2.4.6 reads or writes what it should not."""
    kwargs = case.get("kwargs", {})
    if case.get("call") == "np.vecdot" and kwargs.get("out") in ("a", "a[...]") and "error" not in stock:
        # It overwrites vectors that it still reads.
        return True
    if stock.get("error", "").startswith("SystemError"):
        # It goes on after an exception.
        return True
    index = case.get("index", [])
    by_mask = len(index) == 1 and re.fullmatch(r"np\.array\(.*, '\?'\)", index[0])
    if by_mask and re.match(r"(\w+)\[INDEX\] = \1\b", case["lines"][0]):
        # Values that lie in the array which a mask assigns to are overwritten before it reads them.
        return "error" not in ours and "error" not in stock
    result = stock.get("result", [])
    loop = f"{result[1:2]} {kwargs.get('dtype')} {kwargs.get('signature')} {[s.get('dtype') for s in case['arrays'].values()]}"
    if case.get("call") == "np.vecmat" and result[:1] == ["ndarray"] and re.search("[<>]c|[FD]", loop):
        # It writes results of complex products to neighbouring elements, whatever the stride of the output.
        axes = eval(kwargs["axes"]) if "axes" in kwargs else [-1]
        axis = axes[-1] if isinstance(axes[-1], int) else axes[-1][0]
        size = re.search(r"\d+", result[1])
        return size is None or "order" in kwargs or result[3][axis] not in (None, int(size[0]))
    if re.fullmatch(r"np\.(isnan|isinf|isfinite|signbit)", str(case.get("call"))) and "out" in kwargs:
        # It writes next to an output that is walked backwards.
        steps = [step for spec in case["arrays"].values() for step in spec.get("steps", [])]
        if any(step < 0 for step in steps) or "::-" in str(case):
            return True
    if str(case.get("call")).endswith(".accumulate") and result[:1] == ["ndarray"] and 0 in result[2]:
        # It writes the first element of an output that has none.
        return True
    if str(case.get("call")).endswith(".reduceat") and "error" in ours and "error" in stock and "'O'" in str(case["arrays"]):
        # Over several axes it goes on after an object has failed, and tells of the last one.
        return True
    wide = kwargs.get("dtype") in ("'I'", "'<I'", "'>I'") and re.search("[fdFD]'", str([s.get("dtype") for s in case["arrays"].values()]))
    if wide and ours.get("warnings") == stock.get("warnings") and any("invalid" in w for w in ours.get("warnings", [])):
        # What is out of range becomes something else where four floats are converted at once, and which four are depends on how
        # buffers are filled.
        return True
    named = str(kwargs.get("dtype") or kwargs.get("signature"))
    if re.search("[mM]", named) and result[:1] and re.search(r"[<>|][fcSU]\d", str(result[1:2])):
        # It runs a loop for dates or times on numbers of another size.
        return True
    if "not supported for the input types" in ours.get("error", "") and re.search("[mM]8", str(case["arrays"])):
        # A ufunc that was once called with an output of objects takes its loop for objects for times ever after.
        return "error" not in stock or re.search("has no (callable|attribute)", stock["error"]) is not None
    return False


def same(case, ours, stock):
    if str(stock.get("error", "")).startswith("the process ended"):
        # What crashes there is not defined.
        return True
    if "error" in ours and ours["error"] == stock.get("error") and ours.get("warnings") == stock.get("warnings"):
        # What an operation that fails halfway has written until then is not defined.
        return True
    if ours == stock or undefined(case, ours, stock):
        return True
    if "same_value" in str(case.get("kwargs", {})) and str(ours.get("error", "")).startswith("ValueError: could not cast 'same_value'"):
        # numpy 2.4.6 forgets to check casts that it does in steps: of elements that are swapped or not aligned.
        return any("<" in s.get("dtype", "") or ">" in s.get("dtype", "") or s.get("shift") for s in case["arrays"].values()) or ">" in str(case["args"])
    if "error" not in ours and re.search("'same_value' (half to ubyte|\\w+ to c?longdouble)$", str(stock.get("error", ""))):
        # numpy 2.4.6 refuses NaN and infinity in long doubles, and negative zero among halves.
        return True
    if case.get("call") == "np.lexsort" and re.search("[<>][UDFG]", case["arrays"]["a"]["dtype"]):
        # numpy 2.4.6 turns round all bytes of a foreign element at once, and so its characters and its parts.
        return True
    if of_addresses(case) or of_holes(case):
        return True
    no_loop = [text.endswith(("-> None", "-> (None, None)")) or "No loop matching" in text for text in (ours.get("error", ""), stock.get("error", ""))]
    by_signature = "signature" in case.get("kwargs", {})
    if (by_signature or re.search(r"\.(reduce|reduceat|accumulate)$", case.get("call", ""))) and all(no_loop):
        # Which of its two errors numpy gives depends on the calls before.
        return True
    if is_complex_product(case) and products_near(ours, stock):
        return True
    ulps = allowed(case)
    if ulps and "byteorder" in str(case.get("kwargs", {}).get("out")):
        # The other byte order of results that are near is far apart.
        ours, stock = ({k: v for k, v in x.items() if k != "arrays"} for x in (ours, stock))
    return ulps is not None and near(ours, stock, ulps)


def of_addresses(case):
    """Whether objects become raw bytes: those are their addresses."""
    kinds = [spec.get("dtype", "") for spec in case["arrays"].values()]
    return "'O'" in kinds and any(re.fullmatch("'V[0-9]+'", kind) for kind in kinds)


def of_holes(case):
    """Whether bytes between fields count: nobody writes those of a new array, and numpy 2.4.6 keeps the size of an item when
    the subarrays in it lose theirs."""
    kinds = [spec.get("dtype", "") for spec in case["arrays"].values()]
    holes = any("align=True" in kind or "'itemsize'" in kind for kind in kinds)
    line = case.get("lines", [""])[-1]
    if "tobytes()" in line:
        return holes
    inside = holes and any(re.search(r"[)\]}], (\(|\d)", kind) for kind in kinds)
    return inside and re.match(r"np\.(concatenate|where|array|isin)\(", line) is not None


def is_complex_product(case):
    """Whether complex numbers are multiplied element by element. numpy 2.4.6 fuses the additions where the processor can and its
    vector loops are taken, which depends on what overlaps, on strides, and on what its iterator has copied before."""
    multiplies = case.get("call") == "np.multiply" or any("*=" in line and "**=" not in line for line in case.get("lines", []))
    return multiplies and re.search("[FD]'", str([s.get("dtype") for s in case["arrays"].values()] + [case.get("kwargs", {}).get("dtype")])) is not None


def products_near(x, y):
    """Whether outcomes are the same but for the last bits of complex numbers, measured by the size of the whole number."""
    if type(x) is not type(y):
        return False
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(products_near(x[k], y[k]) for k in x)
    if not isinstance(x, list) or len(x) != len(y):
        return x == y
    if x == y or len(x) % 2 or not all(isinstance(t, str) and number(t) is not None for t in x + y):
        return x == y or len(x) == len(y) and not all(isinstance(t, str) for t in x) and all(map(products_near, x, y))
    for i in range(0, len(x), 2):
        unit = {"f": 2.0**-22, "d": 2.0**-51}.get(x[i][0], 0)
        p, q = (complex(number(t[i]), number(t[i + 1])) for t in (x, y))
        if p != q and not abs(p - q) <= unit * abs(q):
            return False
    return True


def near(x, y, ulps):
    if type(x) is not type(y):
        return False
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(near(x[k], y[k], ulps) for k in x)
    if isinstance(x, list):
        return len(x) == len(y) and all(near(p, q, ulps) for p, q in zip(x, y))
    if x == y or isinstance(x, int) and abs(x) > 1 << 32:
        # A digest does not say how far two results are apart.
        return True
    if isinstance(x, str) and LONG.fullmatch(x) and LONG.fullmatch(y):
        return apart(x, y, ulps)
    if isinstance(x, str) and x.startswith("[('") and y.startswith("[('"):
        return objects_near(x, y, ulps)
    if not isinstance(x, str) or number(x) is None or number(y) is None or x[0] != y[0]:
        return False
    return distance(x, y) <= ulps or x[0] == "d" and is_single(x) and is_single(y) and distance(f"f{x[1:]}", f"f{y[1:]}") <= ulps


NUMBER = re.compile(r"(-?\d+\.\d+(?:e[-+]?\d+)?|-?\d+e[-+]?\d+)")


def objects_near(x, y, ulps):
    """Whether lists of objects are the same but for floats that are near."""
    first, second = NUMBER.split(x), NUMBER.split(y)
    if len(first) != len(second) or first[::2] != second[::2]:
        return False
    for p, q in zip(map(float, first[1::2]), map(float, second[1::2])):
        if not near(f"d{p.hex()}", f"d{q.hex()}", ulps):
            return False
    return True


def is_single(text):
    """Whether a double is the result of single precision."""
    v = number(text)
    return v == v and abs(v) < 3e38 and struct.unpack("f", struct.pack("f", v))[0] == v


LONG = re.compile("[0-9a-f]{20}")


def apart(x, y, ulps):
    """Whether two long doubles are results of single precision that are near."""
    first, second = (int.from_bytes(bytes.fromhex(t), "little") for t in (x, y))
    # The leading digits of a single, in units of its last place.
    return first >> 64 == second >> 64 and abs(first - second) <= ulps << 40


def number(text):
    if len(text) > 2 and text[0] in "efd" and "0x" in text:
        return float.fromhex(text[1:])
    return None


def distance(x, y):
    code, whole = {"e": ("<e", "<h"), "f": ("<f", "<i"), "d": ("<d", "<q")}[x[0]]
    places = [struct.unpack(whole, struct.pack(code, number(t)))[0] for t in (x, y)]
    low = -(1 << 8 * struct.calcsize(whole) - 1)
    first, second = (p if p >= 0 else low - p for p in places)
    return abs(first - second)

"""When two outcomes are the same: to the bit, but for the exceptions named here with their reasons."""

import re
import struct

# Functions whose results may be this many units in the last place apart, and why.
VMATH = "ours is the nearer one (ufuncs/vmath/ACCURACY.md); numpy's vector code is within 4 units"
ULPS = {name: (4, VMATH) for name in """sqrt cbrt exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh
tanh arcsinh arccosh arctanh power float_power arctan2 hypot""".split()}
# Both round an exponential before they take its logarithm, which counts for more where the result is near zero.
ULPS |= {name: (64, VMATH) for name in ("logaddexp", "logaddexp2")}
# Of complex numbers; numpy's results are others for rows that are walked backwards.
ULPS |= {name: (1, VMATH) for name in ("absolute",)}


def allowed(case):
    if any("**=" in line for line in case.get("lines", [])):
        return ULPS["power"][0]
    name = re.match(r"np\.(\w+)", case.get("call", ""))
    return ULPS.get(name.group(1), (0, ""))[0] if name else 0


def same(case, ours, stock):
    if str(stock.get("error", "")).startswith("the process ended"):
        # What crashes there is not defined.
        return True
    if "error" in ours and ours["error"] == stock.get("error") and ours.get("warnings") == stock.get("warnings"):
        # What an operation that fails halfway has written until then is not defined.
        return True
    if ours == stock:
        return True
    if "same_value" in str(case.get("kwargs", {})) and str(ours.get("error", "")).startswith("ValueError: could not cast 'same_value'"):
        # numpy 2.4.6 forgets to check casts that it does in steps: of elements that are swapped or not aligned.
        return any("<" in s.get("dtype", "") or ">" in s.get("dtype", "") or s.get("shift") for s in case["arrays"].values()) or ">" in str(case["args"])
    if case.get("call") == "np.lexsort" and re.search("[<>][UDFG]", case["arrays"]["a"]["dtype"]):
        # numpy 2.4.6 turns round all bytes of a foreign element at once, and so its characters and its parts.
        return True
    no_loop = [text.endswith("-> None") or "No loop matching" in text for text in (ours.get("error", ""), stock.get("error", ""))]
    if re.search(r"\.(reduce|reduceat|accumulate)$", case.get("call", "")) and all(no_loop):
        # Which of its two errors numpy gives depends on the calls before.
        return True
    ulps = allowed(case)
    return bool(ulps) and near(ours, stock, ulps)


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
    return isinstance(x, str) and number(x) is not None and number(y) is not None and x[0] == y[0] and distance(x, y) <= ulps


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

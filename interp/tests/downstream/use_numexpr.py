import numexpr as ne
import numpy as np

a = np.arange(24.0).reshape(4, 6)
b = np.linspace(0, 1, 24).reshape(4, 6)
i = np.arange(6, dtype="i4")
for expression in ("a*b - 4.1*a > 2.5*b", "sin(a)**2 + cos(a)**2", "where(a > 10, a, -b)", "i * 2 + 1", "a + i", "sum(a * b)", "sum(a, axis=1)", "prod(b + 1, axis=0)"):
    for name, v in (("plain", (a, b)), ("strided", (a[::2, ::-1], b[::2, ::-1])), ("swapped", (a.astype(">f8"), b.astype("f4")))):
        r = ne.evaluate(expression, {"a": v[0], "b": v[1], "i": i})
        print(expression, name, r.dtype, r.shape, np.round(r.astype("f8"), 4).tolist())
out = np.zeros((4, 6), "f4")
ne.evaluate("a + b", out=out, casting="same_kind")
print(out.round(3).tolist())
big = np.arange(1_000_000.0)
for threads in (1, 4):
    ne.set_num_threads(threads)
    print(ne.evaluate("sum(big * 2)"), ne.evaluate("big + 1").sum(), ne.evaluate("big.real * 1j").imag.sum())
for expression, values in (("s == b'abc'", {"s": np.array([b"abc", b"de"])}), ("a +", {"a": a}), ("a + b", {"a": a, "b": np.zeros(5)})):
    try:
        print(ne.evaluate(expression, values).tolist())
    except Exception as e:
        print(type(e).__name__)

"""Print how well every decomposition reproduces its matrix: `name: residual in units of the type's epsilon`.

Run under stock numpy and under micronumpy; the matrices are the same, and so is the arithmetic that checks them.
"""

import warnings

import numpy as np

warnings.simplefilter("ignore")
SIZES = [1, 2, 3, 4, 5, 8, 13, 25, 26, 50, 100, 500]


def matrices(n, dtype):
    """The kinds of square matrices, by name."""
    rng = np.random.default_rng(n)
    a = rng.standard_normal((n, n))
    if np.dtype(dtype).kind == "c":
        a = a + 1j * rng.standard_normal((n, n))
    yield "random", a.astype(dtype)
    if n > 100:
        return
    scale = 2.0 ** -np.round(np.linspace(0, 40 if dtype in ("d", "D") else 15, n))
    yield "graded", (a * scale[:, None] * scale).astype(dtype)
    yield "graded upwards", (a * scale[::-1, None] * scale[::-1]).astype(dtype)
    b = a.copy()
    b[:, n // 2] = b[:, 0]
    b[n // 3] = 0
    yield "singular", b.astype(dtype)
    i = np.arange(n)
    yield "Hilbert", (1.0 / (i[:, None] + i + 1)).astype(dtype)
    yield "zero", np.zeros((n, n), dtype)
    yield "identity", np.eye(n, dtype=dtype)
    yield "large", (a * (2.0**1000 if dtype in ("d", "D") else 2.0**100)).astype(dtype)
    yield "small", (a * (2.0**-1000 if dtype in ("d", "D") else 2.0**-100)).astype(dtype)
    yield "clustered", (np.eye(n) + 1e-9 * a).astype(dtype)


def norm(x):
    """The Frobenius norm, safe for very large and very small elements."""
    x = np.abs(x).ravel()
    largest = x.max(initial=0)
    return float(largest * np.sqrt(np.sum((x / largest) ** 2))) if largest > 0 and np.isfinite(largest) else float(largest)


def check(name, difference, scale, epsilon):
    scale = norm(scale)
    value = norm(difference) / (scale or 1.0)
    print(f">>> {name}: {value / epsilon:.6g}")


def unitary(name, q, epsilon):
    check(name, q.conj().T @ q - np.eye(q.shape[1]), np.eye(q.shape[1]), epsilon)


def adjoint(a):
    return a.conj().swapaxes(-1, -2)


def one(kind, a, dtype):
    n = len(a)
    epsilon = np.finfo(dtype).eps
    title = f"{kind} {dtype} {n}"

    def attempt(name, call):
        try:
            call(f"{title} {name}")
        except np.linalg.LinAlgError as error:
            print(f">>> {title} {name}: {error}")

    def solve(t):
        b = np.ones((n, 2), dtype)
        x = np.linalg.solve(a, b)
        if np.isfinite(x).all():
            check(t, a @ x - b, norm(a) * norm(x), epsilon)

    def inv(t):
        x = np.linalg.inv(a)
        if np.isfinite(x).all():
            check(t, a @ x - np.eye(n), norm(a) * norm(x), epsilon)

    def cholesky(t):
        s = (a @ adjoint(a) + norm(a) * np.eye(n)).astype(dtype)
        low = np.linalg.cholesky(s)
        check(t, low @ adjoint(low) - s, s, epsilon)
        up = np.linalg.cholesky(s, upper=True)
        check(t + " up", adjoint(up) @ up - s, s, epsilon)

    def qr(t):
        for shape, m in (("square", a), ("tall", a[:, : max(1, n // 3)]), ("wide", a[: max(1, n // 3)])):
            q, r = np.linalg.qr(m)
            check(f"{t} {shape}", q @ r - m, m, epsilon)
            unitary(f"{t} {shape} Q", q, epsilon)

    def svd(t):
        for shape, m in (("square", a), ("tall", a[:, : max(1, n // 3)]), ("wide", a[: max(1, 2 * n // 3)])):
            u, s, vh = np.linalg.svd(m, full_matrices=False)
            check(f"{t} {shape}", (u * s) @ vh - m, m, epsilon)
            unitary(f"{t} {shape} U", u, epsilon)
            unitary(f"{t} {shape} V", adjoint(vh), epsilon)
            check(f"{t} {shape} values", np.linalg.svdvals(m) - s, s, epsilon)
            u, s, vh = np.linalg.svd(m)
            unitary(f"{t} {shape} full U", u, epsilon)
            unitary(f"{t} {shape} full V", adjoint(vh), epsilon)

    def eigh(t):
        for uplo in "LU":
            h = (a + adjoint(a)).astype(dtype)
            w, v = np.linalg.eigh(h, uplo)
            check(f"{t} {uplo}", h @ v - v * w, h, epsilon)
            unitary(f"{t} {uplo} V", v, epsilon)
            check(f"{t} {uplo} values", np.linalg.eigvalsh(h, uplo) - w, w, epsilon)

    def eig(t):
        w, v = np.linalg.eig(a)
        check(t, a @ v - v * w, norm(a) * norm(v), epsilon)

    def lstsq(t):
        m = a[:, : max(1, n // 2)]
        b = np.ones(n, dtype)
        x = np.linalg.lstsq(m, b)[0]
        check(t, adjoint(m) @ (m @ x - b), norm(m) * (norm(m) * norm(x) + norm(b)), epsilon)

    for f in (solve, inv, cholesky, qr, svd, eigh, eig, lstsq):
        if kind in ("large", "small") and f is cholesky:
            continue
        attempt(f.__name__, f)


for n in SIZES:
    for dtype in "fdFD":
        if n == 500 and dtype in "fF":
            continue
        for kind, a in matrices(n, dtype):
            one(kind, a, dtype)

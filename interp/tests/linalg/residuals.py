"""Print how well every decomposition reproduces its matrix: `name: residual in units of the type's epsilon`.

Run under stock numpy and under micronumpy; the matrices are the same, and so is the arithmetic that checks them.
"""

import warnings

import numpy as np

warnings.simplefilter("ignore")
SIZES = [1, 2, 3, 4, 5, 8, 13, 25, 26, 50, 100, 150, 500]


def matrices(n, dtype):
    """The kinds of square matrices, by name."""
    rng = np.random.default_rng(n)
    a = rng.standard_normal((n, n))
    if np.dtype(dtype).kind == "c":
        a = a + 1j * rng.standard_normal((n, n))
    yield "random", a.astype(dtype)
    yield "rather small", (a * (2.0**-200 if dtype in ("d", "D") else 2.0**-35)).astype(dtype)
    yield "rather large", (a * (2.0**200 if dtype in ("d", "D") else 2.0**35)).astype(dtype)
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


def stack(n, dtype):
    """Small matrices that are decomposed side by side, with the largest residual of each kind."""
    rng = np.random.default_rng(n)
    epsilon = np.finfo(dtype).eps
    a = rng.standard_normal((37, n, n))
    if np.dtype(dtype).kind == "c":
        a = a + 1j * rng.standard_normal((37, n, n))
    a = a.astype(dtype)
    h = (a + adjoint(a)).astype(dtype)
    s = (a @ adjoint(a) + np.eye(n)).astype(dtype)
    eye = np.broadcast_to(np.eye(n), a.shape)

    def largest(name, differences, scales):
        title = f"stack {dtype} {n} {name}"
        values = [norm(d) / norm(m) for d, m in zip(differences, scales, strict=True)]
        print(f">>> {title}: {max(values) / epsilon:.6g}")

    norms = np.linalg.norm(a, axis=(1, 2)).astype(float)
    x = np.linalg.inv(a)
    largest("inv", a @ x - eye, norms * np.linalg.norm(x, axis=(1, 2)))
    for cols in (1, 2, n):
        b = np.ones((37, n, cols), dtype)
        x = np.linalg.solve(a, b)
        largest(f"solve {cols}", a @ x - b, norms * np.linalg.norm(x, axis=(1, 2)))
    largest("det", np.linalg.det(a) - np.prod(np.linalg.eigvals(a), axis=1), norms**n)
    low, up = np.linalg.cholesky(s), np.linalg.cholesky(s, upper=True)
    largest("cholesky", low @ adjoint(low) - s, s)
    largest("cholesky up", adjoint(up) @ up - s, s)
    for mode in ("reduced", "complete"):
        q, r = np.linalg.qr(a, mode)
        largest(f"qr {mode}", q @ r - a, a)
        largest(f"qr {mode} Q", adjoint(q) @ q - eye, eye)
    u, d, vh = np.linalg.svd(a)
    largest("svd", (u * d[:, None]) @ vh - a, a)
    largest("svd U", adjoint(u) @ u - eye, eye)
    largest("svd V", vh @ adjoint(vh) - eye, eye)
    largest("svd values", np.linalg.svdvals(a) - d, d)
    for uplo in "LU":
        w, v = np.linalg.eigh(h, uplo)
        largest(f"eigh {uplo}", h @ v - v * w[:, None], h)
        largest(f"eigh {uplo} V", adjoint(v) @ v - eye, eye)
        largest(f"eigh {uplo} values", np.linalg.eigvalsh(h, uplo) - w, w)
    w, v = np.linalg.eig(a)
    largest("eig", a @ v - v * w[:, None], norms[:, None, None] * np.abs(v))


def strange(n, dtype):
    """Which matrices of a stack with singular, huge, tiny and unfinished ones give finite results."""
    from numpy.linalg import _umath_linalg as gufuncs

    rng = np.random.default_rng(n)
    a = rng.standard_normal((40, n, n)).astype(dtype)
    a = (a + adjoint(a) + 4 * np.eye(n)).astype(dtype)
    limits = np.finfo(dtype)
    a[3] = 0
    a[7, :, -1] = a[7, -1] = 0
    a[11] *= limits.max / 100
    a[14] *= limits.tiny
    a[20, -1, 0] = np.nan
    a[26] = -a[26]
    a[33] = np.eye(n)
    for name in ("inv", "det", "slogdet", "cholesky_lo", "cholesky_up", "eigh_lo", "eigvalsh_up", "svd_f", "svd", "solve1"):
        with np.errstate(all="ignore"):
            inputs = (a, np.ones(n, dtype)) if name == "solve1" else (a,)
            outputs = getattr(gufuncs, name)(*inputs)
        for i, out in enumerate(outputs if isinstance(outputs, tuple) else (outputs,)):
            finite = np.isfinite(out).reshape(40, -1).all(1)
            print(f">>> strange {dtype} {n} {name} {i}: finite " + "".join("ny"[int(f)] for f in finite))


for n in SIZES:
    for dtype in "fdFD":
        if n == 500 and dtype in "fF":
            continue
        for kind, a in matrices(n, dtype):
            one(kind, a, dtype)

for n in (1, 2, 3, 4, 5):
    for dtype in "fdFD":
        stack(n, dtype)
        strange(n, dtype)

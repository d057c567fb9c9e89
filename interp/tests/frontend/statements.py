import numpy as np

a = b = None


def kernel(u, v, dt):
    """Text."""
    n = len(u)
    lap = u[2:] - 2 * u[1:-1] + u[:-2]
    print(n)
    v[1:-1] += dt * lap
    return np.sqrt(v) * 2 + u


def branch(u, x):
    if x:
        w = np.exp(u) + 1
    else:
        w = u
    scalar = x * x + 1
    return w


def pieces(u, x):
    u[1:] = u[:-1] * x
    with x:
        u = u[1:] * x + 1
    u = u[1:] * x * (y := x)
    return u, y


def generator(u):
    w = u[1:] + u[:-1]
    yield w

"""Whole programs of array expressions with slices: what numpy users write, temporaries and all."""

import numpy as np

from case import Case, floats


def jacobi(u, source, steps):
    for _ in range(steps):
        new = u.copy()
        new[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - source[1:-1, 1:-1])
        u = new
    return u


def poisson(u, source, steps):
    for _ in range(steps):
        new = u.copy()
        new[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - source[1:-1, 1:-1])
        change = np.abs(new - u).max()
        u = new
        if change < 1e-9:
            break
    return u, change


def shallow_water(h, u, v, steps):
    g, dt, dx = 9.81, 0.01, 1.0
    for _ in range(steps):
        u[1:-1, 1:-1] -= dt * g * (h[2:, 1:-1] - h[:-2, 1:-1]) / (2 * dx)
        v[1:-1, 1:-1] -= dt * g * (h[1:-1, 2:] - h[1:-1, :-2]) / (2 * dx)
        flow_x = (h[2:, 1:-1] * u[2:, 1:-1] - h[:-2, 1:-1] * u[:-2, 1:-1]) / (2 * dx)
        flow_y = (h[1:-1, 2:] * v[1:-1, 2:] - h[1:-1, :-2] * v[1:-1, :-2]) / (2 * dx)
        h[1:-1, 1:-1] -= dt * (flow_x + flow_y)
    return h, u, v


def heat_3d(a, b, steps):
    for _ in range(steps):
        b[1:-1, 1:-1, 1:-1] = (
            0.125 * (a[2:, 1:-1, 1:-1] - 2.0 * a[1:-1, 1:-1, 1:-1] + a[:-2, 1:-1, 1:-1])
            + 0.125 * (a[1:-1, 2:, 1:-1] - 2.0 * a[1:-1, 1:-1, 1:-1] + a[1:-1, :-2, 1:-1])
            + 0.125 * (a[1:-1, 1:-1, 2:] - 2.0 * a[1:-1, 1:-1, 1:-1] + a[1:-1, 1:-1, :-2])
            + a[1:-1, 1:-1, 1:-1]
        )
        a, b = b, a
    return a


def gray_scott(u, v, steps):
    for _ in range(steps):
        inner_u = u[1:-1, 1:-1]
        inner_v = v[1:-1, 1:-1]
        spread_u = u[:-2, 1:-1] + u[1:-1, :-2] - 4.0 * inner_u + u[1:-1, 2:] + u[2:, 1:-1]
        spread_v = v[:-2, 1:-1] + v[1:-1, :-2] - 4.0 * inner_v + v[1:-1, 2:] + v[2:, 1:-1]
        reaction = inner_u * inner_v * inner_v
        inner_u += 0.16 * spread_u - reaction + 0.06 * (1.0 - inner_u)
        inner_v += 0.08 * spread_v + reaction - (0.06 + 0.062) * inner_v
    return u, v


def wave(now, before, steps):
    for _ in range(steps):
        after = np.zeros_like(now)
        around = now[:-2, 1:-1] + now[2:, 1:-1] + now[1:-1, :-2] + now[1:-1, 2:]
        after[1:-1, 1:-1] = 2.0 * now[1:-1, 1:-1] - before[1:-1, 1:-1] + 0.2 * (around - 4.0 * now[1:-1, 1:-1])
        before, now = now, after
    return now


def lennard_jones(x, steps):
    v = np.zeros_like(x)
    for _ in range(steps):
        apart = x[:, None, :] - x[None, :, :]
        square = (apart * apart).sum(axis=-1) + 1e-3
        np.fill_diagonal(square, 1.0)
        inverse = 1.0 / square
        sixth = inverse * inverse * inverse
        strength = np.minimum(np.maximum(24.0 * sixth * (2.0 * sixth - 1.0) * inverse, -10.0), 10.0)
        np.fill_diagonal(strength, 0.0)
        v += 1e-5 * (strength[:, :, None] * apart).sum(axis=1)
        x = x + 1e-5 * v
    return x


def black_scholes(price, strike, time):
    rate, volatility = 0.02, 0.3
    root = np.sqrt(time)
    d1 = (np.log(price / strike) + (rate + volatility * volatility / 2.0) * time) / (volatility * root)
    d2 = d1 - volatility * root

    def normal(x):
        k = 1.0 / (1.0 + 0.2316419 * np.abs(x))
        tail = k * (0.319381530 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))))
        left = np.exp(-x * x / 2.0) * 0.3989422804014327 * tail
        return np.where(x > 0.0, 1.0 - left, left)

    discounted = strike * np.exp(-rate * time)
    call = price * normal(d1) - discounted * normal(d2)
    return call, call - price + discounted


def mandelbrot_by_arrays(x0, y0, limit):
    x = np.zeros_like(x0)
    y = np.zeros_like(y0)
    turns = np.zeros(x0.shape, dtype=np.int64)
    for _ in range(limit):
        inside = x * x + y * y <= 4.0
        turns += inside
        new = np.where(inside, x * x - y * y + x0, x)
        y = np.where(inside, 2.0 * x * y + y0, y)
        x = new
    return turns


def _grids(count, *shape):
    size = 1
    for n in shape:
        size *= n

    def inputs(make):
        return [make(floats(seed, size), "float64", shape) for seed in range(count)]

    return inputs


def _with(inputs, *more):
    return lambda make: (*inputs(make), *more)


def _sized(function, inputs, size, exact=True):
    return Case(function, inputs, exact, size)


def _plane(n):
    y, x = np.mgrid[0:n, 0:n] / n
    return np.ascontiguousarray(3.0 * x - 2.25), np.ascontiguousarray(2.5 * y - 1.25), 100 if n < 1000 else 5


CASES = [
    _sized(jacobi, _with(_grids(2, 200, 200), 400), "200x200"),
    _sized(jacobi, _with(_grids(2, 1000, 1000), 10), "1000x1000"),
    _sized(jacobi, _with(_grids(2, 2000, 2000), 3), "2000x2000"),
    _sized(poisson, _with(_grids(2, 200, 200), 200), "200x200"),
    _sized(poisson, _with(_grids(2, 1000, 1000), 6), "1000x1000"),
    _sized(shallow_water, _with(_grids(3, 200, 200), 200), "200x200"),
    _sized(shallow_water, _with(_grids(3, 1000, 1000), 4), "1000x1000"),
    _sized(shallow_water, _with(_grids(3, 2000, 2000), 1), "2000x2000"),
    _sized(heat_3d, _with(_grids(2, 40, 40, 40), 100), "40x40x40"),
    _sized(heat_3d, _with(_grids(2, 120, 120, 120), 3), "120x120x120"),
    _sized(gray_scott, _with(_grids(2, 200, 200), 200), "200x200"),
    _sized(gray_scott, _with(_grids(2, 1000, 1000), 4), "1000x1000"),
    _sized(wave, _with(_grids(2, 200, 200), 400), "200x200"),
    _sized(wave, _with(_grids(2, 2000, 2000), 2), "2000x2000"),
    _sized(lennard_jones, _with(_grids(1, 200, 3), 60), "200"),
    _sized(black_scholes, lambda make: [x + 0.5 for x in _grids(3, 1000, 1000)(make)], "1000x1000", exact=False),
    _sized(black_scholes, lambda make: [x + 0.5 for x in _grids(3, 200, 200)(make)], "200x200", exact=False),
    _sized(mandelbrot_by_arrays, lambda make: _plane(200), "200x200"),
    _sized(mandelbrot_by_arrays, lambda make: _plane(1000), "1000x1000"),
]

"""Arrays of two to ten elements in hot loops: numpy as a vector algebra, where the objects cost more than the numbers."""

import numpy as np

from case import Case, floats


def lorenz(state, steps, dt):
    for _ in range(steps):
        x, y, z = state[0], state[1], state[2]
        slope = np.array([10.0 * (y - x), x * (28.0 - z) - y, x * y - 2.5 * z])
        state = state + dt * slope
    return state


def runge_kutta(state, matrix, steps, dt):
    for _ in range(steps):
        k1 = matrix @ state
        k2 = matrix @ (state + 0.5 * dt * k1)
        k3 = matrix @ (state + 0.5 * dt * k2)
        k4 = matrix @ (state + dt * k3)
        state = state + dt / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return state


def orbit(x, v, steps, dt):
    for _ in range(steps):
        square = (x * x).sum()
        v -= dt / (square * np.sqrt(square)) * x
        x += dt * v
    return x, v


def three_bodies(x, v, mass, steps, dt):
    for _ in range(steps):
        for i in range(3):
            a = np.zeros(3)
            for j in range(3):
                if i != j:
                    d = x[j] - x[i]
                    square = np.dot(d, d) + 0.01
                    a += mass[j] * d / (square * np.sqrt(square))
            v[i] += dt * a
        x += dt * v
    return x


def spheres(origins, centres, radius):
    hits = 0
    nearest = 1e300
    for i in range(len(origins)):
        for j in range(len(centres)):
            to = centres[j] - origins[i]
            along = to[2]
            square = (to * to).sum() - along * along
            if square < radius * radius:
                hits += 1
                distance = along - np.sqrt(radius * radius - square)
                if distance < nearest:
                    nearest = distance
    return hits, nearest


def kalman(measured):
    state = np.array([0.0, 0.0])
    spread = np.array([[1.0, 0.0], [0.0, 1.0]])
    step = np.array([[1.0, 0.1], [0.0, 1.0]])
    noise = 0.01 * np.eye(2)
    for z in measured:
        state = step @ state
        spread = step @ spread @ step.T + noise
        gain = spread[:, 0] / (spread[0, 0] + 0.5)
        state = state + gain * (z - state[0])
        spread = spread - np.outer(gain, spread[0, :])
    return state, spread


def newton_2d(starts):
    out = np.zeros(2)
    for i in range(len(starts)):
        p = starts[i].copy()
        for _ in range(8):
            f = np.array([p[0] * p[0] + p[1] * p[1] - 4.0, p[0] * p[1] - 1.0])
            determinant = 2.0 * p[0] * p[0] - 2.0 * p[1] * p[1] + 1e-9
            inverse = np.array([[p[0], -2.0 * p[1]], [-p[1], 2.0 * p[0]]]) / determinant
            p = p - inverse @ f
        out += p
    return out


def perceptron(samples, labels, rate):
    weights = np.zeros(10)
    for i in range(len(samples)):
        row = samples[i]
        guess = 1.0 if (weights * row).sum() > 0.0 else 0.0
        weights += rate * (labels[i] - guess) * row
    return weights


def rotation(points, axis, turns):
    for _ in range(turns):
        for i in range(len(points)):
            p = points[i]
            cross = np.array(
                [axis[1] * p[2] - axis[2] * p[1], axis[2] * p[0] - axis[0] * p[2], axis[0] * p[1] - axis[1] * p[0]]
            )
            points[i] = 0.8 * p + 0.6 * cross + 0.2 * (axis * p).sum() * axis
    return points


def exponential_average(rows):
    mean = rows[0].copy()
    spread = np.zeros(4)
    for row in rows:
        off = row - mean
        mean += 0.05 * off
        spread = 0.95 * (spread + 0.05 * off * off)
    return mean, spread


# Stock numpy's `@` and `dot` are BLAS, which is free in the order of its sums and in contracting them: not exact.
CASES = [
    Case(lorenz, lambda make: (make([1.0, 1.0, 1.0], "float64"), 30_000, 0.001)),
    Case(
        runge_kutta,
        lambda make: (make([1.0, 0.0], "float64"), make([0.0, 1.0, -1.0, -0.1], "float64", (2, 2)), 8_000, 0.01),
        exact=False,
    ),
    Case(orbit, lambda make: (make([1.0, 0.0, 0.1], "float64"), make([0.0, 1.0, 0.0], "float64"), 20_000, 0.001)),
    Case(
        three_bodies,
        lambda make: (
            make(floats(1, 9), "float64", (3, 3)),
            make(floats(2, 9), "float64", (3, 3)),
            make(floats(3, 3), "float64"),
            2_500,
            0.001,
        ),
        exact=False,
    ),
    Case(spheres, lambda make: (make(floats(1, 600), "float64", (200, 3)), make(floats(2, 300), "float64", (100, 3)), 0.1)),
    Case(kalman, lambda make: (make(floats(1, 10_000), "float64"),), exact=False),
    Case(newton_2d, lambda make: (make([1.0 + x for x in floats(1, 3_000)], "float64", (1500, 2)),), exact=False),
    Case(
        perceptron,
        lambda make: (make(floats(1, 200_000), "float64", (20_000, 10)), make([round(x) for x in floats(2, 20_000)], "float64"), 0.1),
    ),
    Case(rotation, lambda make: (make(floats(1, 1500), "float64", (500, 3)), make([0.6, 0.0, 0.8], "float64"), 25)),
    Case(exponential_average, lambda make: (make(floats(1, 120_000), "float64", (30_000, 4)),)),
]

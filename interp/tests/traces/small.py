"""Small arrays: no objects, elements carried as values, reads of rows without copies."""

import micronumpy
import numpy as np


def carried(a, b):
    for i in range(200):
        a = a * 0.5 + b
    return a


def rows(p):
    total = 0.0
    for i in range(len(p)):
        d = p[i] - 1.0
        total += (d * d).sum()
    return total


def stored(p, v):
    for i in range(len(p)):
        p[i] += v * 0.5


def matrix(m, v):
    for i in range(200):
        v = m @ v
    return v


def built(n):
    s = 0.0
    for i in range(n):
        v = np.array([i, 1.0, 2.0])
        w = v
        w[0] = 3.0
        s += v[0] + np.zeros(3).sum()
    return s


for _ in range(3):
    carried(np.ones(3), np.ones(3))
    rows(np.ones((100, 3)))
    stored(np.ones((100, 3)), np.ones(3))
    matrix(np.eye(2), np.ones(2))
    built(200)

stats = micronumpy.jit_stats()
print(stats["loops"] if stats["entries"] >= stats["loops"] else stats)

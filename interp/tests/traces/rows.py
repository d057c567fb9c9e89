"""Loops over rows: one loop asks whether there is anything to report, another one stores."""

import micronumpy
import numpy as np


def eliminated(a):
    for k in range(len(a)):
        for i in range(k + 1, len(a)):
            a[i] -= a[i, k] * a[k]


def assigned(a, v, out):
    for i in range(len(a)):
        out[i] = a[i] * 2 + v


def integers(a, v):
    for i in range(len(a)):
        a[i] += v


def around(a, b):
    n = len(a)
    for i in range(n):
        b[i] = a[(i + 1) % n] + a[(i - 1) % n]


for _ in range(3):
    eliminated(np.eye(70))
    assigned(np.ones((70, 70)), np.ones(70), np.ones((70, 70)))
    integers(np.ones((70, 70), int), np.ones(70, int))
    around(np.ones(500), np.ones(500))

stats = micronumpy.jit_stats()
print(stats["loops"] if stats["entries"] >= stats["loops"] else stats)

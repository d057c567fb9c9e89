"""Loops over elements: what is hoisted, and what is computed several at a time."""

import micronumpy
import numpy as np


def integer_sum(a):
    s = np.int64(0)
    for x in a:
        s += x
    return s


def scaled(a, b):
    for i in range(len(a)):
        b[i] = a[i] * 2.0 + 1.0


def stencil(a, b):
    for i in range(1, a.shape[0] - 1):
        for j in range(1, a.shape[1] - 1):
            b[i, j] = 0.25 * (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1])


def counted(a):
    n = 0
    for i in range(len(a)):
        if a[i] > 0.5:
            n += 1
    return n


for _ in range(3):
    integer_sum(np.arange(1000))
    scaled(np.ones(1000), np.zeros(1000))
    stencil(np.ones((60, 60)), np.zeros((60, 60)))
    counted(np.arange(1000) % 5 * 0.2)

stats = micronumpy.jit_stats()
print(stats["loops"] if stats["entries"] >= stats["loops"] else stats)

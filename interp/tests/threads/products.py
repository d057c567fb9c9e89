"""Products that threads share: in a process, in its forked children, which have none of its threads, and from several threads at once."""

import os
import threading

import numpy as np

# Whole numbers: exact whatever is added first.
a = np.arange(300 * 300, dtype=float).reshape(300, 300) % 17
product = a @ a
rows, columns = a[::50].tolist(), a.T[::50].tolist()
known = np.array_equal(product[::50, ::50], [[sum(x * y for x, y in zip(row, col)) for col in columns] for row in rows])
print("parent", known)
for turn in range(3):
    child = os.fork()
    if child == 0:
        same = all(np.array_equal(a @ a, product) for _ in range(5))
        os._exit(0 if same else 1)
    print("child", os.waitpid(child, 0)[1])
    print("parent", np.array_equal(a @ a, product))
right = []


def multiply():
    right.append(all(np.array_equal(a @ a, product) for _ in range(20)))


threads = [threading.Thread(target=multiply) for _ in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("threads", right)

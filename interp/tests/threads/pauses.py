"""Threads that come to the first safepoint of a loop together."""

import sys
import threading

import numpy as np

SOURCE = """
def work(items):
    for turn in range(20):
        np.broadcast(items)
"""


def begin(start, work, items):
    start.wait()
    work(items)


sys.setswitchinterval(1e-6)
items = [np.arange(3)] * 2000
for number in range(80):
    names = {"np": np}
    exec(SOURCE, names)
    start = threading.Barrier(8)
    threads = [threading.Thread(target=begin, args=(start, names["work"], items)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("done")

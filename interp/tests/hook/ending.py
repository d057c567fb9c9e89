"""Daemon threads in the middle of loops when the process ends: none of them ends it in another way."""

import sys
import threading
import time


class Slow:
    @property
    def attribute(self):
        time.sleep(0.0002)
        return 1

    def __add__(self, other):
        time.sleep(0.0002)
        return self

    def __getitem__(self, key):
        time.sleep(0.0002)
        return key

    def __enter__(self):
        time.sleep(0.0002)

    def __exit__(self, *_):
        time.sleep(0.0002)

    def __del__(self):
        time.sleep(0.0002)


def items():
    while True:
        time.sleep(0.0002)
        yield 1


def spins():
    n = 0
    while True:
        n += 1


def calls():
    n = 0
    while True:
        n += time.sleep(0.0002) is None


def asks(slow):
    n = 0
    while True:
        n += slow.attribute


def adds(slow):
    while True:
        slow = slow + 1


def gets(slow):
    n = 0
    while True:
        n += slow[1]


def iterates():
    n = 0
    for item in items():
        n += item


def enters(slow):
    n = 0
    while True:
        with slow:
            n += 1


def unpacks():
    while True:
        a, b, *c = (time.sleep(0.0001) for _ in range(3))


def drops():
    while True:
        slow = Slow()
        slow = None


slow = Slow()
ways = [(spins,), (calls,), (asks, slow), (adds, slow), (gets, slow), (iterates,), (enters, slow), (unpacks,), (drops,)]
for function, *args in ways:
    if len(sys.argv) < 2 or function.__name__ in sys.argv[1:]:
        threading.Thread(target=function, args=args, daemon=True).start()
time.sleep(0.3)
print("the end", flush=True)

"""Signals and threads while loops over large arrays run, a turn of which takes milliseconds.

Whoever looked at neither until a thousand turns are over would be at it for longer than any test may take.
"""

import os
import signal
import threading

import numpy as np

N = 400_000


class Stop(Exception):
    pass


def stop(*_):
    raise Stop


def until_alarm(a, b):
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    for turn in range(10**9):
        b[...] = np.sqrt(a * a + b * b) / 2.0
        c = np.abs(a - b).max()
    return c


def until_interrupted(a, b):
    turn = 0
    try:
        while True:
            c = np.exp(a) - b * 2.0
            turn += 1
    except KeyboardInterrupt:
        return turn > 0, c.shape


def until_told(a, told):
    while not told:
        c = (a * 2.0 + 1.0).sum()
    return c == (a * 2.0 + 1.0).sum()


signal.signal(signal.SIGALRM, stop)
a, b = np.linspace(0, 1, N), np.ones(N)
try:
    until_alarm(a, b)
except Stop as error:
    print("stopped in", error.__traceback__.tb_next.tb_frame.f_code.co_name)
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
print("interrupted", until_interrupted(a, b))
told = []
threading.Timer(0.05, lambda: told.append(1)).start()
print("told", until_told(a, told))


def changed(a, limits):
    """What a signal handler changes is seen in the next turn."""
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    s = 0.0
    while s < limits["most"]:
        s += (a * 0.0).sum() + scale
    return s


scale = 0.0
limits = {"most": 10.0}


def change(*_):
    global scale
    scale = 5.0


signal.signal(signal.SIGALRM, change)
print("changed", changed(a, limits))

# One computation that takes much longer than the patience of whoever presses Ctrl-C.
big = np.ones(10_000_000)
handled = []
signal.signal(signal.SIGALRM, lambda *_: handled.append(1))


def one_long(a, out=None, turns=10**9):
    for turn in range(turns):
        if out is None:
            b = np.exp(a) * np.sin(a) + np.cos(a) * np.log(a) + np.exp(np.sin(a)) * np.tanh(a)
        else:
            b = out
            out[...] = np.exp(a) * np.sin(a) + np.cos(a) * np.log(a) + np.exp(np.sin(a)) * np.tanh(a)
        if b[0] < 0:
            break
    return b


def interrupted(out):
    """Turns follow one another until the signal comes: a fast machine ends a computation before it does."""
    timer = threading.Timer(0.15, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        one_long(big, out)
    except KeyboardInterrupt as error:
        return error.__traceback__.tb_next.tb_frame.f_code.co_name
    finally:
        timer.join()


print("a new array", interrupted(None))
out = np.zeros_like(big)
print("an output", interrupted(out), out.min() == out.max())
signal.setitimer(signal.ITIMER_REAL, 0.1)
while not handled:
    small = one_long(big, turns=1)
print("handled", handled, (small == small[0]).all())

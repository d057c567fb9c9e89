"""Signals and threads while loops run."""

import os
import signal
import sys
import threading
import time


def spin():
    n = 0
    try:
        while True:
            n += 1
    except KeyboardInterrupt:
        return n > 1000


threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
print("interrupted", spin())
stop = False
ticks = 0


def ticking():
    global stop, ticks
    for _ in range(10):
        time.sleep(0.005)
        ticks += 1
    stop = True


thread = threading.Thread(target=ticking)
thread.start()
spun = 0
while not stop:
    spun += 1
thread.join()
print(ticks, spun > 1000)

handled = []
signal.signal(signal.SIGUSR1, lambda *_: handled.append(1))


def until_handled():
    n = 0
    os.kill(os.getpid(), signal.SIGUSR1)
    while not handled:
        n += 1
    return handled


print(until_handled())


class Stop(Exception):
    pass


def raise_it(*_):
    raise Stop


signal.signal(signal.SIGALRM, raise_it)


def until_alarm():
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    while True:
        pass


try:
    until_alarm()
except Stop:
    print("stopped")

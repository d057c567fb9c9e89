"""Tracers see what they always see."""

import sys


def work(n):
    total = 0
    for i in range(n):
        if i % 2:
            total += i
    while total > 2:
        total -= 2
    for i in [total,
              n]:
        total += i
    return total


def traced(function, *args):
    events = []

    def tracer(frame, event, arg):
        if frame.f_code.co_name == function.__name__:
            events.append((event, frame.f_lineno - function.__code__.co_firstlineno))
            return tracer

    sys.settrace(tracer)
    try:
        function(*args)
    finally:
        sys.settrace(None)
    return events


print(traced(work, 3))
print(work(10))


def profiled(n):
    calls = []
    sys.setprofile(lambda frame, event, arg: arg is abs and calls.append(event))
    for i in range(n):
        abs(i)
    sys.setprofile(None)
    return calls


print(profiled(2))

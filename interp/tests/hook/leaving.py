"""Ways out of loops."""

import sys


def finds(items, x):
    for i in range(len(items)):
        if items[i] == x:
            return i
    else:
        return -1


def finally_runs(n):
    log = []
    try:
        for i in range(n):
            if i == 2:
                return log, "from the loop"
            log.append(i)
    finally:
        log.append("finally")
    return log, "end"


def in_with(n):
    class Manager:
        def __enter__(self):
            return 5

        def __exit__(self, kind, value, traceback):
            log.append(kind)
            return True

    log = []
    with Manager() as m:
        for i in range(n):
            log.append(m // (1 - i))
    return log, i


def levels(n):
    out = []
    for i in range(n):
        for j in range(n):
            if j > i:
                break
            if (i + j) % 2:
                continue
            out.append((i, j))
        else:
            out.append("all")
    else:
        out.append("end")
    while n:
        n -= 1
        if n == 1:
            break
    else:
        out.append("not reached")
    return out, i, j, n


def caught(n):
    total = 0
    for i in range(n):
        try:
            for j in range(5):
                total += 10 // (i - j)
        except ZeroDivisionError:
            total += 1000
    return total, i, j


def deep(n):
    for i in range(1):
        if n:
            return 1 + deep(n - 1)
    return 0


def too_deep(n):
    for i in range(2):
        too_deep(n + 1)


def gives_up(items):
    it = iter(items)
    for x in it:
        if x == 2:
            break
    return list(it)


def infinite():
    n = 0
    while 1:
        n += 1
        if n == 1000:
            raise StopIteration(n)


def empties():
    for i in ():
        x = 1
    for i in range(0):
        x = 2
    try:
        return i
    except UnboundLocalError as error:
        return str(error)


print(finds([1, 2, 3], 2), finds([1, 2, 3], 5), finally_runs(5), finally_runs(1))
print(in_with(3), levels(4), caught(4), gives_up([1, 2, 3, 4]), empties())
sys.setrecursionlimit(20000)
print(deep(15000))
sys.setrecursionlimit(1000)
try:
    too_deep(0)
except RecursionError as error:
    print(error)
try:
    infinite()
except StopIteration as stop:
    print(stop.value)

"""Errors and warnings: lines, carets, locals."""

import sys
import traceback
import warnings


def attempt(function, *args):
    try:
        print("no error:", function(*args))
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        frame = error.__traceback__.tb_next.tb_frame
        print({k: v for k, v in frame.f_locals.items() if type(v) in (int, str, list, tuple)})


def division(n):
    total = 0
    for i in range(n):
        total += i
        total = (total
                 // (3 - i)) + 1
    return total


def attribute(items):
    for x in items:
        y = x
        x.append(x.missing
                 .other(1))


def index(a):
    i = 0
    while True:
        a[i] += a[i + 1]
        i += 1


def calls(f):
    for i in range(2):
        f(i, *[]) if False else f(
            i,
            key=i)


def methods(f):
    for i in range(2):
        f.first(
            i).second(
            i)


def unpacking(pairs):
    for a, (b, c) in pairs:
        pass


def unbound(n):
    for i in range(n):
        if i > 1:
            print(later)
        if i > 5:
            later = i


def deleted(n):
    x = 1
    for i in range(n):
        del x
    return x


def unknown(n):
    for i in range(n):
        i + not_defined_anywhere


def truth(items):
    class Bad:
        def __bool__(self):
            raise ValueError("no truth")

    bad = Bad()
    return looping(bad, items)


def looping(bad, items):
    for i in items:
        if i and (bad
                  or i):
            pass


def asserting(n):
    for i in range(n):
        assert i < 2, f"too large: {i}"


def raising(n):
    for i in range(n):
        if i:
            raise KeyError(i) from ValueError(i - 1)


def wrong_raise(n):
    for i in range(n):
        raise i


def not_iterable(x):
    for i in range(2):
        for j in x:
            pass


class Broken:
    def __iter__(self):
        return self

    def __next__(self):
        raise OSError("in next")


def broken():
    for i in Broken():
        pass


def nested(n):
    for i in range(n):
        for j in range(n):
            division(i + j)


def keyword(n):
    for i in range(n):
        int(
            x=i)


attempt(division, 5)
attempt(attribute, [[1]])
attempt(index, [1, 2, 3])
attempt(calls, lambda x: x)
attempt(methods, 5)
attempt(unpacking, [(1, (2, 3)), (1, 2)])
attempt(unpacking, [(1, (2, 3)), (1, (2, 3, 4))])
attempt(unpacking, [(1, (2,))])
attempt(unpacking, [1])
attempt(unbound, 3)
attempt(deleted, 1)
attempt(deleted, 2)
attempt(unknown, 1)
attempt(truth, [0, 1])
attempt(asserting, 5)
attempt(raising, 3)
attempt(wrong_raise, 3)
attempt(not_iterable, 3)
attempt(broken)
attempt(nested, 3)
attempt(keyword, 3)


def warning(n):
    for i in range(n):
        warnings.warn(f"careful {i}")
        warnings.warn("here",
                      DeprecationWarning, stacklevel=2)


warnings.simplefilter("always")
warnings.showwarning = lambda message, category, file, line, *rest: print(category.__name__, message, line)
warning(2)
for i in range(2):
    warnings.warn("module")


def lines(n):
    seen = []
    for i in range(n):
        seen.append(sys._getframe().f_lineno)
        seen.append(
            sys._getframe()
            .f_lineno)
    return seen


print(lines(2))
try:
    for i in range(3):
        total = 6 // (1 - i)
except ZeroDivisionError:
    traceback.print_exc(file=sys.stdout)
    print(i, total)

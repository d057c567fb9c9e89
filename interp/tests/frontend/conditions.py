def chains(a, b, c, f):
    for _ in a:
        if 0 <= b < c:
            c = 1
        if a < f(b) < f(c) <= b:
            c = 2
        b = a < f(b) < c


def short_circuits(a, b, c, f):
    for _ in a:
        if not a and b or c:
            c = a and b
        c = a and f(b) or c
        c = (a or b) and (b or c)
        while a if b else c:
            pass
        assert a, b
        assert a in (1, 2) and b


def folded(a):
    for _ in a:
        if 0:
            a = 1
        if not 0:
            a = a in {1, 2}
        a = 1 if __debug__ else 2

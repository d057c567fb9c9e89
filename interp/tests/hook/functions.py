"""Stars in calls, displays and targets; lambdas and comprehensions, which are functions that a region makes."""

import traceback
def show(f, *a):
    try:
        print(f.__name__, '->', f(*a))
    except BaseException:
        print(f.__name__)
        print(traceback.format_exc())
def g(*a, **k): return a, k
class C:
    def m(self, *a, **k): return a, k
def calls(x, d):
    out = []
    for i in range(3):
        out.append(g(*x))
        out.append(g(i, *x, 5, **d))
        out.append(g(*x, *x, k=i, **d))
        out.append(g(**d))
        out.append(C().m(*x, j=3))
        out.append([*x, i, *x]); out.append({*x, i}); out.append((*x, i)); out.append({**d, 'i': i, **d})
        a, *b = x
        *c, e = x
        a, *f, h = x
        out.append((a, b, c, e, f, h))
        for q, *r in [(1, 2, 3), 'ab']:
            out.append((q, r))
    return out
show(calls, [1, 2, 3], {'z': 1, 'y': 2})
def bad1(x):
    for i in range(2): g(*x)
show(bad1, 5)
def bad2(x):
    for i in range(2): g(1, *x)
show(bad2, 5)
def bad3(x):
    for i in range(2): g(**x)
show(bad3, 5)
def bad4(x):
    for i in range(2): g(a=1, **x)
show(bad4, {'a': 1})
show(bad4, {1: 1})
def bad5(x):
    for i in range(2): y = {**x}
show(bad5, 5)
def bad6(x):
    for i in range(2): a, *b, c = x
show(bad6, [1]); show(bad6, 5); show(bad6, [])
def bad7(x):
    for i in range(2): y = [*x]
show(bad7, 5)
def bad8(x):
    for i in range(2): y = {*x}
show(bad8, 5); show(bad8, [[]])
def comps(n):
    out = []
    k = 7
    for i in range(n):
        out.append([j * i for j in range(4)])
        out.append({j + k for j in range(3)})
        out.append({j: i for j in range(3)})
        out.append(sum(j + k for j in range(3)))
        f = lambda a, b=i, *, c=k: (a, b, c)
        out.append(f(1))
        out.append(f.__qualname__); out.append(f.__defaults__); out.append(f.__kwdefaults__); out.append(f.__module__)
        out.append([y := j for j in range(3)]); out.append(y)
        out.append(sorted([3, 1, 2], key=lambda v: -v + k))
    return out
show(comps, 3)
def compbad(n):
    for i in range(n):
        x = [1 // (j - 2) for j in range(4)]
show(compbad, 3)
def compbad2(n):
    for i in range(n):
        x = sum(1 // (j - 2)
                for j in range(4))
show(compbad2, 3)
def compbad3(n):
    for i in range(n):
        x = [j for j in n]
show(compbad3, 3)
for i in range(3):
    print([i + j for j in range(3)], [lambda: i][0]())
class K:
    def m(self):
        r = []
        self.__p = 3
        __q = 4
        for i in range(2):
            r.append([self.__p + __q for _ in range(2)])
        return r
show(K().m)
def dupl(n):
    for i in range(n):
        a = [j for j in range(i)]; b = [j+1 for j in range(i)]
    return a, b
show(dupl, 4)

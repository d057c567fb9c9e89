"""When objects die."""

import weakref


class Mortal:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("del", self.name)

    def __add__(self, other):
        return Mortal(f"{self.name}+{other if isinstance(other, int) else other.name}")

    def get(self, a=None, b=None):
        return self


def temporaries(n):
    for i in range(n):
        Mortal(f"t{i}")
        print("after statement")
        Mortal("l") + Mortal("r")
        print("after sum")
        x = Mortal("x1")
        x = Mortal("x2")
        print("rebound")
        x = x + i
        print("summed")
        Mortal("callee").get(Mortal("arg"), Mortal("arg2"))
        print("called")
        [Mortal("a"), Mortal("b")][0].name
        print("indexed")
        if Mortal("cond").get():
            print("in if")
        print(f"{Mortal('f').name}")
        Mortal("m").attr = Mortal("v")
        print("stored")
        1 < len([Mortal("chain")]) < 3
        print("compared")
    print("loop over")


def arguments(a, b):
    for i in range(3):
        a = Mortal(f"a{i}")
        print("a is new", i)
        if i == 1:
            del b
            print("b is gone")
    return "end"


def exchange():
    x, y, z = Mortal("x"), Mortal("y"), Mortal("z")
    for i in range(1):
        x, y = Mortal("x'"), Mortal("y'")
        print("two")
        x, y, z = Mortal("x2"), Mortal("y2"), Mortal("z2")
        print("three")
        [x, y] = Mortal("x3"), Mortal("y3")
        print("list")


def raising():
    try:
        for i in range(2):
            keep = Mortal("keep")
            [Mortal("in list"), 1 / (1 - i)]
    except ZeroDivisionError:
        print("caught")
    print("after", i)


def returning():
    for i in iter([Mortal("item0"), Mortal("item1")]):
        for j in [Mortal("inner")]:
            return Mortal("value").name


def references():
    for i in range(2):
        o = Mortal(f"o{i}")
        r = weakref.ref(o)
        print(r() is o)
        o = None
        print(r())


temporaries(1)
print(arguments(Mortal("first"), Mortal("second")))
exchange()
raising()
print(returning())
references()
g = Mortal("global")
for k in range(2):
    g = Mortal(f"g{k}")
    print("global is new")
del g
print("end")

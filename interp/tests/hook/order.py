"""Order of evaluation, number of truth tests, order of assignments."""


class Probe:
    """Says what is done with it."""

    def __init__(self, name, truth=True):
        self.__dict__.update(name=name, truth=truth)

    def __repr__(self):
        return self.name

    def say(self, what, result):
        print(self.name, what)
        return result

    def __bool__(self):
        return self.say("bool", self.truth)

    def __lt__(self, other):
        return self.say(f"< {other}", Probe(f"({self}<{other})", self.truth))

    def __add__(self, other):
        return self.say(f"+ {other}", Probe(f"({self}+{other})"))

    def __iadd__(self, other):
        return self.say(f"+= {other}", Probe(f"({self}+={other})"))

    def __radd__(self, other):
        return self.say(f"{other} +", Probe(f"({other}+{self})"))

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.say(f".{name}", Probe(f"{self}.{name}"))

    def __setattr__(self, name, value):
        self.say(f".{name} = {value}", None)

    def __delattr__(self, name):
        self.say(f"del .{name}", None)

    def __getitem__(self, key):
        return self.say(f"[{key}]", Probe(f"{self}[{key}]"))

    def __setitem__(self, key, value):
        self.say(f"[{key}] = {value}", None)

    def __delitem__(self, key):
        self.say(f"del [{key}]", None)

    def __call__(self, *args, **kwargs):
        return self.say(f"{args} {kwargs}", Probe(f"{self}()"))

    def __iter__(self):
        print(self.name, "iter")
        return iter([Probe(f"{self}#0"), Probe(f"{self}#1")])

    def __format__(self, spec):
        return self.say(f"format {spec!r}", "9")

    def __contains__(self, item):
        return self.say(f"contains {item}", self.truth)

    def __neg__(self):
        return self.say("neg", Probe(f"-{self}"))


def expressions(a, b, c, no):
    for _ in range(1):
        a + b + c, a + (b + c)
        a(b(), c.x, key=b[1], other=c)
        a[b:c, ::b, ...]
        {a(): b(), c(): a()}
        [a(), b(), {1, 2}]
        f"{a}{b!r:>{c}}{c!s}"
        -a, not a
        a in b, a not in b
        a < b < c, no < b < c, a < b() < c() < a
        (x := a + b), x


def truths(a, b, c, no):
    for _ in range(1):
        x = a and b
        x = no and b
        x = no or b and c
        x = a and no or c
        x = (a or b) and (no or c)
        x = not (a and no)
        x = a if no else b
        if a and b or c:
            print("one")
        if not a or no and b:
            print("two")
        if not (a and not no):
            print("three")
        if (a and b) if no else (b or c):
            print("four")
        if a < b < c:
            print("five")
        if no < b < c or not a < b() < c:
            print("six")
        while no or no:
            pass
        assert a and b, c
    return x


def targets(a, b, c):
    for a.x, (b[0], c.y) in [(1, (2, 3))]:
        a.p = b.q = x = c.r
        a[b()] = c()
        a.x, b[1] = b.y, c[2]
        a.x += b
        a[b()] += c()
        a[b].c[a] += b()
        x += b
        del a.x, b[c()], (c.z, a[1])
        (p, q), r = a, b
        p, q = q, p
        p, q, r = r, p, q
        x = y = (z := a.b)
    return x, y, z, p, q, r


names = Probe("a"), Probe("b"), Probe("c")
no = Probe("no", False)
expressions(*names, no)
print(truths(*names, no))
print(targets(*names))

for x in range(2):
    t = names[0] + names[1]
    t += x
    names[2].attr = t
print(x, t)


def walrus(n):
    seen = []
    for i in range(n):
        i + (i := i + 10) + i
        seen.append((i, i := 5, i))
        if (m := i) > 3 and (k := m + i):
            seen.append(k)
    return seen, i, m, k


print(walrus(3))

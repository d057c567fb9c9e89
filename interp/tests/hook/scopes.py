"""Variables of all kinds, changed from elsewhere while a loop runs."""

counter = 0


def bump():
    global counter
    counter += 1
    return counter


def of_the_module(n):
    global made
    for i in range(n):
        bump()
        made = counter * 10 + i
    return made, counter


def shared(n):
    total = 0

    def add(x):
        nonlocal total
        total += x
        return total

    for i in range(n):
        total += i
        add(1)
    seen = []
    while total > 0:
        add(-5)
        seen.append(total)
    return seen, total, add(0)


def free(n):
    x = 10

    def inner():
        got = []
        for i in range(n):
            got.append(x + i)
        return got

    x = 20
    return inner()


def unbound_cell():
    def inner():
        for i in range(2):
            try_it = later
        return try_it

    try:
        inner()
    except NameError as error:
        print(type(error).__name__, error, error.name)
    later = 5
    return inner()


class Private:
    __hidden = 3

    def total(self, __n):
        __sum = 0
        for __i in range(__n):
            __sum += self.__hidden + __i
            self.__last = __i
        return __sum, self.__last

    numbers = []
    for number in range(3):
        numbers.append(number * 2)


def generator(n):
    for i in range(n):
        total = 0
        for j in range(i):
            total += j
        yield total


def maybe(flag, n):
    if flag:
        x = 1
    for i in range(n):
        y = i
    try:
        return x, y
    except UnboundLocalError as error:
        return str(error)


def defaults(a, /, b=2, *args, c=3, **kwargs):
    for i in range(2):
        a, b, c = b, c, a
        args += (i,)
        kwargs[str(i)] = i
    return a, b, args, c, kwargs


def rebinding(n):
    range = builtins_range
    for i in range(n):
        n = i
    return i, n


builtins_range = range
print(of_the_module(3), made, counter)
print(shared(4), free(3), unbound_cell())
print(Private().total(4), Private.numbers, Private.number)
print(list(generator(5)), maybe(True, 2), maybe(False, 2), maybe(True, 0))
print(defaults(1), defaults(1, 2, 3, c=4, d=5), rebinding(3))

for name in ["one", "two"]:
    globals()[name + "_made"] = name
    exec("counter = counter + 1")
print(one_made, two_made, counter)

space = {}
exec("""
found = []
for i in range(3):
    found.append(i)
def f(n):
    t = 0
    for i in range(n):
        t += i
    return t
""", space)
print(space["found"], space["i"], space["f"](10))


class Mapping(dict):
    def __setitem__(self, key, value):
        if not key.startswith("__"):
            print("set", key, value)
        super().__setitem__(key, value)


exec("for i in range(2):\n    j = i", {}, Mapping())


def local_exec():
    x = 1
    exec("for i in range(3):\n    x = i\nprint(x)")
    return x


print(local_exec())
len = lambda x: "mine"
for i in range(1):
    print(len([1, 2]))
del len
for i in range(1):
    print(len([1, 2]))
try:
    for i in range(3):
        if i == 1:
            del counter
        counter
except NameError as error:
    print(error, i)

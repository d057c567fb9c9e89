counter = 0


def of_the_module(n):
    global counter
    for i in range(n):
        counter += i
        del counter


def shared(n):
    total = 0
    for i in range(n):
        total += i
        n = total

    def inner():
        nonlocal total
        while total:
            total -= 1

    return inner


class Private:
    def method(self, __n):
        for __i in __n:
            self.__x = __i + self.__y


def maybe_bound(a, b):
    if a:
        x = 1
    for _ in b:
        x += 1
    for _ in b:
        x = 2
    for _ in b:
        z = 1
        z += y
        y = 1


def exits(a):
    for x in a:
        for y in x:
            if y:
                return x, y
            raise ValueError(y) from x
    return None

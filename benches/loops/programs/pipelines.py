"""Generators, comprehensions and itertools: a parser and a solver made of small pieces."""

from itertools import chain, count, groupby, islice, product


def tokens(text):
    for key, run in groupby(text, lambda c: "space" if c.isspace() else "digit" if c.isdigit() else c):
        run = "".join(run)
        if key != "space":
            yield ("number", int(run)) if key == "digit" else ("sign", run)


def value(stream):
    total, sign = 0, 1
    for kind, item in stream:
        if kind == "number":
            total += sign * item
        else:
            sign = -1 if item == "-" else 1
    return total


def primes():
    found = []
    for n in count(2):
        if all(n % p for p in found if p * p <= n):
            found.append(n)
            yield n


def queens(n, row=0, taken=()):
    if row == n:
        yield taken
        return
    for column in range(n):
        if all(column != c and abs(column - c) != row - r for r, c in enumerate(taken)):
            yield from queens(n, row + 1, (*taken, column))


text = " + ".join(f"{i} - {i * 3 % 17}" for i in range(20_000))
print(value(tokens(text)))
print(sum(islice(primes(), 4000)))
print(sum(1 for _ in queens(8)), next(queens(8)))
print(sum(a * b for a, b in product(range(500), repeat=2) if (a ^ b) & 3 == 1))
print(len(set(chain.from_iterable(((i % 97, j % 89) for j in range(i)) for i in range(700)))))

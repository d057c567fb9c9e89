def calls(a, f, x):
    for _ in a:
        f()
        f(x, 1, x + 1)
        f(x, key=1, other=x)
        a.method(f(x))
        a[f](x)(x)


def displays(a, x):
    for _ in a:
        x = (x, 1, (2, 3))
        x = [x, a], {x, 1}, {x: 1, 2: a}
        x = a[1:2, ::x, ..., None]
        x = a[:]


def strings(a, x):
    for _ in a:
        x = f""
        x = f"{x}"
        x = f"a{x!r:>{a}}b{x:.3f}"

def targets(a, b, x, i):
    for _ in a:
        x = y = b
        x.attr = y
        x[i] = y
        x[i + 1], x.attr = i, y
        x, y = y, x
        x, y, i = i, 1, x
        (x, y), i = i
        z: int = x
        z = y


def augmented(a, b, x, i):
    for _ in a:
        x += b
        x.attr += b
        x.attr.attr += b
        x[i] += b
        x[i + 1].attr[i] += b
        x[i:, 1] -= b


def walrus(a, f):
    for _ in a:
        if (y := f(a)) and y + (y := 2) + y:
            a = y


def deletion(a, x):
    for y in a:
        del x[y], a.attr, (y, x)
        x = 1

def each(a, x):
    for _ in a:
        try:
            x = 1
        except ValueError as e:
            x = e
        finally:
            for _ in a:
                x += 1
    for _ in a:
        with x as y:
            y
    for _ in a:
        [y for y in x]
    for _ in a:
        lambda: x
    for _ in a:
        f(*a)
    for _ in a:
        x, *y = a
    for _ in a:
        {**x}
    for _ in a:
        import x
    for _ in a:
        raise
    for _ in a:
        match x:
            case y:
                pass
    for _ in a:
        locals()
    for _ in a:
        x.attr: int = 1
    for _ in a:
        for _ in x:
            pass
        else:
            break
    while x:
        for _ in a:
            pass
        else:
            def g():
                for _ in a:
                    pass


def generator(a):
    for x in a:
        yield x


class Body:
    for x in range(3):
        y = x

def each(a, x):
    for _ in a:
        try:
            x = 1
        except* ValueError as e:
            x = e
            for _ in a:
                x += 1
    for _ in a:
        try:
            yield x
        finally:
            for _ in a:
                x += 1
    for _ in a:
        (lambda: x), (lambda: 1)
    for _ in a:
        import x
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


async def coroutine(a):
    for x in a:
        [await y for y in x]
    for x in a:
        [y async for y in x]

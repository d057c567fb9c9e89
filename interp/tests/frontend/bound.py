def after_try(a, f):
    try:
        x = f()
    except ValueError:
        return
    except OSError as e:
        x = e
    for _ in a:
        x
    for _ in a:
        e
    try:
        y = f()
    except ValueError:
        pass
    for _ in a:
        y
    try:
        z = 1
    except ValueError:
        raise
    else:
        w = z
    finally:
        v = 1
        del z
    for _ in a:
        w + v
    for _ in a:
        z


def after_with(a, f):
    with f() as x:
        y = 1
        for _ in a:
            x
    for _ in a:
        y


def in_a_loop(a, f):
    while f():
        try:
            for _ in a:
                x
            x = 1
        finally:
            pass
        for _ in a:
            x
        if f():
            continue
        else:
            y = 1
        for _ in a:
            y

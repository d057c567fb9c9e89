def caught(n):
    for i in range(n):
        try:
            x = n[i]
        except KeyError as error:
            x = error
        except (ValueError, TypeError):
            continue
        else:
            x = 1
        finally:
            n = x


def managed(n):
    for i in range(n):
        with open(i) as f, f:
            return f


def functions(n, k):
    for i in range(n):
        f = lambda x, y=i: x + k
        f(*n, **k)
        a, *b = [j + k for j in n]

def folded(a):
    for _ in a:
        a = -1, +2.0, ~3, not 4
        a = 2**10 - 3 * (4 // 2)
        a = 1 << 1000
        a = 1 / 0
        a = -a
        "text"
        a

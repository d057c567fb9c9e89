def nested(n):
    total = 0
    for i in range(n):
        for j in range(i):
            if j == 3:
                continue
            if j == 5:
                break
            total += j
        else:
            total -= 1
    else:
        total = -total
    return total


def conditional(n):
    while n > 1:
        n //= 2
    while True:
        n += 1
        if n > 10:
            return n


def unpacking(pairs, table):
    for key, (table.first, table[key]) in pairs:
        pass


def constants():
    for x in [1, 2, 3]:
        pass

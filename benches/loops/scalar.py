"""Loops over elements: what numpy users are told not to write.

Every function is plain, unannotated Python over float64 and int64 arrays, indexes element by element and uses no name of
numpy, so that PyPy can run the same source with lists. Integers stay below 2**63: a compiler with fixed-width integers
must get the same bits.
"""

from case import Case, floats, integers


def total(a):
    s = 0.0
    for x in a:
        s += x
    return s


def dot(a, b):
    s = 0.0
    for i in range(len(a)):
        s += a[i] * b[i]
    return s


def prefix_sum(a, out):
    s = 0.0
    for i in range(len(a)):
        s += a[i]
        out[i] = s
    return out


def stencil_1d(a, out):
    for i in range(1, len(a) - 1):
        out[i] = 0.25 * a[i - 1] + 0.5 * a[i] + 0.25 * a[i + 1]
    return out


def stencil_2d(a, out):
    rows, columns = a.shape
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            out[i, j] = 0.2 * (a[i, j] + a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1])
    return out


def stencil_3d(a, out):
    n, m, p = a.shape
    for i in range(1, n - 1):
        for j in range(1, m - 1):
            for k in range(1, p - 1):
                around = a[i - 1, j, k] + a[i + 1, j, k] + a[i, j - 1, k] + a[i, j + 1, k] + a[i, j, k - 1] + a[i, j, k + 1]
                out[i, j, k] = a[i, j, k] + 0.1 * (around - 6.0 * a[i, j, k])
    return out


def recurrence(a, out):
    out[0] = a[0]
    for i in range(1, len(a)):
        out[i] = 0.9 * out[i - 1] + 0.1 * a[i]
    return out


def matrix_product(a, b, out):
    n, m = a.shape
    p = b.shape[1]
    for i in range(n):
        for j in range(p):
            s = 0.0
            for k in range(m):
                s += a[i, k] * b[k, j]
            out[i, j] = s
    return out


def mandelbrot(out, limit):
    rows, columns = out.shape
    for i in range(rows):
        y0 = 2.5 * i / rows - 1.25
        for j in range(columns):
            x0 = 3.0 * j / columns - 2.25
            x = 0.0
            y = 0.0
            turns = 0
            while x * x + y * y <= 4.0 and turns < limit:
                x, y = x * x - y * y + x0, 2.0 * x * y + y0
                turns += 1
            out[i, j] = turns
    return out


def floyd_warshall(distance):
    n = distance.shape[0]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                through = distance[i, k] + distance[k, j]
                if through < distance[i, j]:
                    distance[i, j] = through
    return distance


def histogram(a, counts):
    bins = len(counts)
    for x in a:
        counts[int(x * bins)] += 1
    return counts


def crc(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            if value & 1:
                value = (value >> 1) ^ 0xEDB88320
            else:
                value >>= 1
    return value ^ 0xFFFFFFFF


def monte_carlo_pi(count):
    state = 12345
    inside = 0
    for _ in range(count):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        x = state / 2147483648.0
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        y = state / 2147483648.0
        if x * x + y * y <= 1.0:
            inside += 1
    return 4.0 * inside / count


def n_body(x, v, mass, steps, dt):
    n = len(mass)
    for _ in range(steps):
        for i in range(n):
            ax = 0.0
            ay = 0.0
            az = 0.0
            for j in range(n):
                if i != j:
                    dx = x[j, 0] - x[i, 0]
                    dy = x[j, 1] - x[i, 1]
                    dz = x[j, 2] - x[i, 2]
                    square = dx * dx + dy * dy + dz * dz + 0.01
                    force = mass[j] / (square * square)
                    ax += force * dx
                    ay += force * dy
                    az += force * dz
            v[i, 0] += dt * ax
            v[i, 1] += dt * ay
            v[i, 2] += dt * az
        for i in range(n):
            for k in range(3):
                x[i, k] += dt * v[i, k]
    return x, v


def k_means(points, centres, sums, counts, labels, turns):
    n, dims = points.shape
    k = len(counts)
    for _ in range(turns):
        for c in range(k):
            counts[c] = 0
            for d in range(dims):
                sums[c, d] = 0.0
        for i in range(n):
            nearest = 0
            best = 1e300
            for c in range(k):
                square = 0.0
                for d in range(dims):
                    difference = points[i, d] - centres[c, d]
                    square += difference * difference
                if square < best:
                    best = square
                    nearest = c
            labels[i] = nearest
            counts[nearest] += 1
            for d in range(dims):
                sums[nearest, d] += points[i, d]
        for c in range(k):
            if counts[c] > 0:
                for d in range(dims):
                    centres[c, d] = sums[c, d] / counts[c]
    return centres, labels


def sparse_matrix_vector(starts, columns, values, x, out):
    for row in range(len(starts) - 1):
        s = 0.0
        for k in range(starts[row], starts[row + 1]):
            s += values[k] * x[columns[k]]
        out[row] = s
    return out


def ifs(a, out):
    for i in range(len(a)):
        x = a[i]
        if x < 0.1:
            y = x * 10.0
        elif x < 0.3:
            y = 1.0 - x
        elif x < 0.5 and i % 3 == 0:
            y = x + i
        elif x > 0.9 or i % 7 == 1:
            y = -x
        elif not x < 0.7:
            y = 0.5 * x
        else:
            y = x / (1.0 + x)
        out[i] = y
    return out


def bubble_sort(a):
    n = len(a)
    for i in range(n - 1):
        swapped = False
        for j in range(n - 1 - i):
            if a[j] > a[j + 1]:
                a[j], a[j + 1] = a[j + 1], a[j]
                swapped = True
        if not swapped:
            break
    return a


def insertion_sort(a):
    for i in range(1, len(a)):
        x = a[i]
        j = i - 1
        while j >= 0 and a[j] > x:
            a[j + 1] = a[j]
            j -= 1
        a[j + 1] = x
    return a


def sieve(flags):
    n = len(flags)
    flags[0] = 0
    flags[1] = 0
    i = 2
    while i * i < n:
        if flags[i]:
            for j in range(i * i, n, i):
                flags[j] = 0
        i += 1
    count = 0
    for flag in flags:
        count += flag
    return count


def collatz(limit):
    longest = 0
    start = 0
    for i in range(1, limit):
        n = i
        length = 1
        while n != 1:
            if n % 2 == 0:
                n //= 2
            else:
                n = 3 * n + 1
            length += 1
        if length > longest:
            longest = length
            start = i
    return longest, start


def life(cells, other, turns):
    rows, columns = cells.shape
    for _ in range(turns):
        for i in range(rows):
            for j in range(columns):
                neighbours = 0
                for di in range(-1, 2):
                    for dj in range(-1, 2):
                        if di != 0 or dj != 0:
                            neighbours += cells[(i + di) % rows, (j + dj) % columns]
                alive = cells[i, j]
                other[i, j] = 1 if neighbours == 3 or (alive and neighbours == 2) else 0
        cells, other = other, cells
    return cells


def _sparse(make):
    rows, each = 4000, 25
    starts = [each * row for row in range(rows + 1)]
    return (
        make(starts, "int64"),
        make(integers(1, rows * each, 0, rows), "int64"),
        make(floats(2, rows * each), "float64"),
        make(floats(3, rows), "float64"),
        make([0.0] * rows, "float64"),
    )


def _line(n):
    return lambda make: (make(floats(1, n), "float64"), make([0.0] * n, "float64"))


def _grid(*shape):
    size = 1
    for n in shape:
        size *= n
    return lambda make: (make(floats(1, size), "float64", shape), make([0.0] * size, "float64", shape))


def _k_means(make):
    n, dims, k = 2000, 3, 6
    return (
        make(floats(1, n * dims), "float64", (n, dims)),
        make(floats(2, k * dims), "float64", (k, dims)),
        make([0.0] * (k * dims), "float64", (k, dims)),
        make([0] * k, "int64"),
        make([0] * n, "int64"),
        3,
    )


CASES = [
    Case(total, lambda make: (make(floats(1, 1_000_000), "float64"),)),
    Case(dot, lambda make: (make(floats(1, 500_000), "float64"), make(floats(2, 500_000), "float64"))),
    Case(prefix_sum, _line(500_000)),
    Case(stencil_1d, _line(300_000)),
    Case(stencil_2d, _grid(300, 400)),
    Case(stencil_3d, _grid(40, 40, 40)),
    Case(recurrence, _line(500_000)),
    Case(
        matrix_product,
        lambda make: (
            make(floats(1, 80 * 70), "float64", (80, 70)),
            make(floats(2, 70 * 60), "float64", (70, 60)),
            make([0.0] * 4800, "float64", (80, 60)),
        ),
    ),
    Case(mandelbrot, lambda make: (make([0] * 12_000, "int64", (100, 120)), 200)),
    Case(floyd_warshall, lambda make: (make(floats(1, 70 * 70), "float64", (70, 70)),)),
    Case(histogram, lambda make: (make(floats(1, 300_000), "float64"), make([0] * 64, "int64"))),
    Case(crc, lambda make: (make(integers(1, 30_000, 0, 256), "int64"),)),
    Case(monte_carlo_pi, lambda make: (500_000,)),
    Case(
        n_body,
        lambda make: (
            make(floats(1, 24), "float64", (8, 3)),
            make(floats(2, 24), "float64", (8, 3)),
            make(floats(3, 8), "float64"),
            800,
            0.001,
        ),
    ),
    Case(k_means, _k_means),
    Case(sparse_matrix_vector, _sparse),
    Case(ifs, _line(300_000)),
    Case(bubble_sort, lambda make: (make(floats(1, 500), "float64"),)),
    Case(insertion_sort, lambda make: (make(floats(1, 700), "float64"),)),
    Case(sieve, lambda make: (make([1] * 500_000, "int64"),)),
    Case(collatz, lambda make: (12_000,)),
    Case(life, lambda make: (make(integers(1, 4800, 0, 2), "int64", (60, 80)), make([0] * 4800, "int64", (60, 80)), 3)),
]

"""Prime numbers and the gaps between them: masks, sorting, counting, integer arithmetic."""

import numpy as np


def primes_below(n):
    """Sieve of Eratosthenes over one byte a number."""
    prime = np.ones(n, dtype=bool)
    prime[:2] = False
    prime[4::2] = False
    for i in range(3, int(n**0.5) + 1, 2):
        if prime[i]:
            prime[i * i :: 2 * i] = False
    return np.flatnonzero(prime)


LIMIT = 1_000_000
primes = primes_below(LIMIT)
print(f"{primes.size} primes below {LIMIT}, the last five:", primes[-5:])

# How many there are below each power of ten, against x / ln x.
powers = 10 ** np.arange(1, 7)
counts = np.searchsorted(primes, powers)
print("\n     below   primes    x/ln x   ratio")
for row in zip(powers, counts, powers / np.log(powers), counts / (powers / np.log(powers))):
    print("{:10} {:8} {:9.1f} {:7.4f}".format(*row))

gaps = np.diff(primes)
sizes, times = np.unique(gaps, return_counts=True)
often = np.argsort(times)[::-1][:6]
print("\nmost frequent gaps:", dict(zip(sizes[often].tolist(), times[often].tolist())))
widest = gaps.argmax()
print(f"widest gap: {gaps[widest]}, after {primes[widest]}")
print("twin primes:", primes[:-1][gaps == 2][:8], "...", np.count_nonzero(gaps == 2), "pairs")

# Last digits, and how often one follows another.
digits = np.array([1, 3, 7, 9])
last = np.searchsorted(digits, primes[4:] % 10)
follows = np.zeros((4, 4), dtype=np.int64)
np.add.at(follows, (last[:-1], last[1:]), 1)
print("\nlast digit of a prime (down) and of the next (across), in percent:")
print(np.vstack([digits, (100 * follows / follows.sum(axis=1, keepdims=True)).round(1)]))

assert (primes[:, np.newaxis][:25] % primes[:25] == 0).sum() == 25
print("\nsum of all:", primes.sum(), "  sum of squares:", (primes.astype(np.uint64) ** 2).sum())

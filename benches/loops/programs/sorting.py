"""Sort objects by several keys and merge the results."""

import heapq
from bisect import insort
from functools import total_ordering
from operator import attrgetter


@total_ordering
class Version:
    def __init__(self, major, minor, name):
        self.major, self.minor, self.name = major, minor, name

    def __eq__(self, other):
        return (self.major, self.minor, self.name) == (other.major, other.minor, other.name)

    def __lt__(self, other):
        return (self.major, self.minor, self.name) < (other.major, other.minor, other.name)


def many(seed, count):
    out = []
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) % 2**31
        out.append(Version(seed % 9, seed // 9 % 30, f"n{seed % 1000}"))
    return out


a, b = many(1, 30_000), many(2, 30_000)
a.sort()
b.sort(key=attrgetter("major", "minor", "name"))
merged = list(heapq.merge(a, b))
groups = {}
for version in merged:
    groups.setdefault(version.major, []).append(version)
kept = []
for version in merged[::40]:
    insort(kept, version)
print([len(groups[k]) for k in sorted(groups)], kept[0].name, kept[-1].name, [v.minor for v in heapq.nlargest(3, merged)])

"""Count words of a text that a small grammar makes: dictionaries and string methods."""

from collections import Counter, defaultdict

SYLLABLES = "ka lo mi ren tu sha vel dor in esh ba qui".split()


def word(seed):
    out = []
    for _ in range(1 + seed % 3):
        seed = (seed * 48271 + 11) % 2147483647
        out.append(SYLLABLES[seed % len(SYLLABLES)])
    return "".join(out)


text = " ".join(word(i * 7919).capitalize() + ("." if i % 9 == 0 else "") for i in range(200_000))
counts = Counter()
follows = defaultdict(dict)
previous = None
for token in text.split():
    token = token.strip(".,;").lower()
    counts[token] += 1
    if previous is not None:
        following = follows[previous]
        following[token] = following.get(token, 0) + 1
    previous = token
for token, count in counts.most_common(5):
    best = max(follows[token].items(), key=lambda pair: (pair[1], pair[0]))
    print(token, count, best)
longest = sorted(counts, key=lambda t: (-len(t), t))[:3]
print(longest, text.upper().count("KA"), len(text.replace("lo", "")))

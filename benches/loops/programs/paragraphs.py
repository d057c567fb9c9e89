"""Wrap, indent and compare texts."""

import difflib
import string
import textwrap

WORDS = [a + b + c for a in string.ascii_lowercase[:12] for b in "aeiou" for c in ("n", "st", "")]
text = " ".join(WORDS[i * 7919 % len(WORDS)] for i in range(40_000))
for width in (30, 45, 60, 72):
    lines = textwrap.wrap(text, width, subsequent_indent="  ")
    print(width, len(lines), max(map(len, lines)))
print(len(textwrap.indent(textwrap.fill(text, 50), "> ")), textwrap.shorten(text, 60))
old = textwrap.wrap(text, 60)
new = [line.replace("ban", "bun") for i, line in enumerate(old) if i % 29]
changes = list(difflib.unified_diff(old, new, lineterm=""))
print(len(changes), changes[4], round(difflib.SequenceMatcher(None, old[3], old[4]).ratio(), 6))
print(string.Template("$a and ${b}").substitute(a=1, b="two"), "{:>10}|{:^8}|{!r}".format("x", 3.5, "y"))

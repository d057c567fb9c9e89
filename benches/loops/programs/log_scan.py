"""Take lines of a log apart with regular expressions."""

import re

LINE = re.compile(r"(?P<ip>\d+\.\d+\.\d+\.\d+) - \[(?P<day>\d+)/(?P<month>\w+)\] \"(?P<method>GET|POST) (?P<path>/[\w/.-]*)\" (?P<status>\d{3})")
lines = []
for i in range(100_000):
    ip = f"10.{i % 3}.{i % 17}.{i % 251}"
    lines.append(f'{ip} - [{1 + i % 28}/Nov] "{"GET" if i % 4 else "POST"} /a/{i % 40}/page.html" {200 if i % 13 else 404} {i}')
failed, paths = {}, {}
for line in lines:
    found = LINE.match(line)
    if not found:
        continue
    paths[found["path"]] = paths.get(found["path"], 0) + 1
    if found["status"] == "404":
        failed.setdefault(found["ip"], set()).add(found["path"])
print(len(paths), max(paths.values()), len(failed), sum(map(len, failed.values())))
print(re.sub(r"(\d)(\d)", r"\2\1", lines[7]), len(re.findall(r"\bpage\b", "\n".join(lines))))

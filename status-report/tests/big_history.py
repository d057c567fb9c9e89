"""Make a history of many nights: ``python status-report/tests/big_history.py BASELINE HISTORY [NIGHTS]``.

For measuring: the tests are those of the baseline, about 50,000; a tenth fails, two hundred of them for the first time each
night. Every third night has a run on the other architecture as well.
"""

import datetime
import gzip
import json
import pathlib
import random
import sys


def night(files, ids, start, number, arch):
    rng = random.Random(number)
    failing = set(random.Random(0).sample(range(len(ids)), len(ids) // 10 * (300 - number) // 300))
    failing.update(rng.sample(range(len(ids)), 200))
    moment = start + datetime.timedelta(days=number)
    header = {
        "format": "numpy-tests-results", "version": 1, "interpreter": "micronumpy", "python": "3.11.7", "numpy": "2.4.6",
        "commit": f"{number:012x}", "date": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "elapsed": 500.0,
        "machine": {"system": "linux", "arch": arch, "cpu": "Some CPU", "cores": 2, "memory_gib": 8},
        "files": files, "selection": "", "complete": True, "tests": len(ids),
    }  # fmt: skip
    lines = [json.dumps(header)]
    for at, test in enumerate(ids):
        record = {"id": test, "outcome": "passed", "seconds": 0.0}
        if at in failing:
            record |= {"outcome": "failed", "text": f"TypeError: {at % 700} is <no> such thing\nmore", "at": f"numpy/a.py:{at % 700}"}
        lines.append(json.dumps(record))
    return header, "\n".join(lines) + "\n"


def main():
    baseline, history = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    nights = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    files, ids = [], []
    with gzip.open(baseline, "rt", encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            entry = json.loads(line)
            files.append(entry["file"])
            ids += [f"{entry['file']}::{test}" for tests in entry["tests"].values() for test in tests]
    start = datetime.datetime(2026, 1, 1, 1)
    for number in range(nights):
        for arch in ["x86_64", "aarch64"] if number % 3 == 0 else ["x86_64"]:
            header, text = night(files, ids, start, number, arch)
            folder = history / f"{header['date'].replace(':', '')}_{arch}_{header['commit']}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "numpy.jsonl.gz").write_bytes(gzip.compress(text.encode(), 6, mtime=0))


if __name__ == "__main__":
    main()

"""Run files of numpy's own suite three times in one process and see that the third round leaves nothing behind.

``suite.py FILE...`` (paths below ``numpy``) collects the tests once and runs them in rounds. After the second and the third
round, objects of the collector, blocks of Python's allocator (every array is one) and bytes given out by the C library
(their elements) have to be the same but for a little. ``--each`` asks the same of every test alone, to find the one that leaks.
"""

import argparse
import gc
import os
import sys
import tempfile

import numpy as np
import pytest
from heap import mallinfo

# What rounds may differ by: caches that grow now and then, results of tests that draw random numbers.
SLACK = {"collector": 200, "blocks": 2000, "bytes": 1 << 20}


def state():
    """What is alive, after the collector has run as often as it finds something."""
    while gc.collect():
        pass
    info = mallinfo() if mallinfo is not None else None
    return {
        "collector": len(gc.get_objects()),
        "blocks": sys.getallocatedblocks(),
        "bytes": info.uordblks + info.hblkhd if info is not None else 0,
    }


def growth(before, after):
    return {key: after[key] - before[key] for key in before}


class Rounds:
    """The plugin: all tests once, then again and again, with a look at what is alive in between."""

    def __init__(self, rounds):
        self.rounds, self.states, self.failed = rounds, [], 0

    def pytest_runtest_logreport(self, report):
        self.failed += report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        for _ in range(self.rounds):
            for item, following in zip(session.items, [*session.items[1:], None]):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self.states.append(state())
        return True


class Each(Rounds):
    """Every test by itself, in two rounds of several turns."""

    TURNS = 8

    def pytest_runtestloop(self, session):
        for item, following in zip(session.items, [*session.items[1:], None]):
            seen = []
            for _ in range(3):
                for _ in range(self.TURNS):
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                seen.append(state())
            found = [growth(*pair) for pair in zip(seen, seen[1:])]
            grown = {key: [f[key] for f in found] for key in SLACK}
            if any(min(values) >= self.TURNS * (1 if key != "bytes" else 64) for key, values in grown.items()):
                print(item.nodeid.partition("numpy/")[2], grown, flush=True)
        return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("-k", default="")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--each", action="store_true")
    options = parser.parse_args()
    root = os.path.dirname(next(iter(np.__path__)))
    plugin = (Each if options.each else Rounds)(options.rounds)
    # pytest keeps what it prints, and so does whatever looks at reports.
    quiet = [f"-pno:{name}" for name in ("cacheprovider", "terminal", "logging", "junitxml", "stepwise", "faulthandler", "pastebin", "warnings")]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("pytest.ini", "w", encoding="utf-8") as file:
            file.write("[pytest]\ntmp_path_retention_policy = none\n")
        where = ["-c", "pytest.ini", "--rootdir", root, "--confcutdir", root]
        targets = [os.path.join(root, "numpy", file) for file in options.files]
        status = pytest.main([*quiet, *where, "-k", options.k, *targets], [plugin])
    if options.each or not plugin.states:
        sys.exit(int(status))
    for before, after in zip(plugin.states, plugin.states[1:]):
        print(growth(before, after))
    grown = growth(*plugin.states[-2:])
    left = {key: n for key, n in grown.items() if n > SLACK[key]}
    print(f"{plugin.rounds} rounds, {plugin.failed} failures, {len(left)} kinds of growth{' in the last: ' + str(left) if left else ''}")
    sys.exit(1 if left else 0)


main()

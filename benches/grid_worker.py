"""One Python that times what it is told to: a JSON request a line on standard input, a JSON answer a line.

    [kind, name, dtype, size, layout]      -> {"seconds": per call}

Its argument is the folder whose `cells.py` prepares the cells. The clock is the process's own CPU time, which other programs
of a busy machine do not stretch by being scheduled.
"""

import json
import sys
import time
import warnings

sys.path.insert(0, sys.argv[1])

import numpy as np  # noqa: E402
from cells import Store, prepare  # noqa: E402

#: A slice lasts at least this long, and a measurement takes the best of several.
SLICE = 0.0015
SLICES = 4


def measure(call):
    clock = time.process_time
    begin = clock()
    call()
    once = clock() - begin
    count = max(1, int(SLICE / max(once, 1e-7)))
    best = once
    for _ in range(SLICES if once < 0.05 else 2):
        repeat = range(count)
        begin = clock()
        for _ in repeat:
            call()
        best = min(best, (clock() - begin) / count)
    return best


def main():
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    store = Store()
    print(json.dumps({"version": np.__version__}), flush=True)
    for line in sys.stdin:
        try:
            call = prepare(store, *json.loads(line))
            call()
            answer = {"seconds": measure(call)}
        except Exception as error:
            answer = {"unsupported": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

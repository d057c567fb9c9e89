"""One Python that times what it is told to: a JSON request a line on standard input, a JSON answer a line.

    [kind, name, dtype, size, layout]      -> {"seconds": per call}

With one thread the clock is the CPU time of the process, which other programs of a busy machine do not stretch by being
scheduled. With more it is the wall's, and a turn begins when the threads of the other process no longer wait busily:
those of OpenBLAS do so for a tenth of a second, on a processor that is the other's then.
"""

import json
import sys
import time
import warnings

import numpy as np
from cells import prepare

#: A slice lasts at least this long, and a measurement takes the best of several.
SLICE = 0.002
SLICES = 4
#: Seconds until idle threads sleep.
REST = 0.15


def measure(call, clock):
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
    clock = time.process_time if sys.argv[1] == "1" else time.perf_counter
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    print(json.dumps({"version": np.__version__}), flush=True)
    kept = (None, None)
    for line in sys.stdin:
        try:
            if kept[0] != line:
                kept = (line, prepare(*json.loads(line)))
            call = kept[1]
            if sys.argv[1] != "1":
                time.sleep(REST)
            call()
            answer = {"seconds": measure(call, clock)}
        except Exception as error:
            answer = {"unsupported": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

"""Run every line of a list of attacks and compare what comes of it with what the line promises."""

import resource
import sys
import warnings

import numpy as np

import props

# Memory that nobody asked for should fail here and not make the machine slow.
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
warnings.simplefilter("ignore")
np.seterr(all="ignore")

wrong = 0
for number, line in enumerate(open(sys.argv[1], encoding="utf-8"), 1):
    line = line.strip()
    if not line or line.startswith("#"):
        continue
    expected, code = (part.strip() for part in line.split("|", 1))
    # The last line before a crash names its cause.
    print(number, code, flush=True)
    try:
        exec(code, {"np": np, **vars(props)})
        outcome, text = "ok", ""
    except BaseException as error:
        outcome = type(error).__name__.lstrip("_").replace("ArrayMemoryError", "MemoryError")
        text = str(error)
        if outcome == "SystemError":  # a panic, unless numpy raises it too
            outcome += "!"
    if outcome not in expected.split("/"):
        wrong += 1
        print(f"{number} {code}\n    expected {expected}, got {outcome}: {text}"[:400], file=sys.stderr)
print("done")
sys.exit(wrong != 0)

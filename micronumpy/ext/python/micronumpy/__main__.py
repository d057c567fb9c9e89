"""``python -m micronumpy ...``: the command line of ``python``, on micronumpy's numpy.

The process starts itself again with ``MICRONUMPY_HOOK=1``, which the package's ``.pth`` file answers by importing the
hook before anything else runs. So all of python's options mean what they always mean, and child processes, which
inherit the variable, are hooked as well. Without the variable the ``.pth`` file does nothing.
"""

import os
import site
import sys

PTH = "micronumpy-hook.pth"


def interpreter_options():
    """The options python itself was given, up to ``-m micronumpy``."""
    before = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv[1:])]
    last = before.pop()
    if last.startswith("-"):
        cluster = last[: last.rindex("mmicronumpy")]
    else:
        cluster = before.pop()[:-1]
    return before if cluster == "-" else [*before, cluster]


def pth_is_read():
    if sys.flags.no_site:
        return False
    folders = [*site.getsitepackages(), site.getusersitepackages()]
    return any(os.path.isfile(os.path.join(folder, PTH)) for folder in folders if folder in sys.path)


def main():
    options = interpreter_options()
    if "_micronumpy" not in sys.builtin_module_names:
        if not pth_is_read():
            sys.exit(
                f"micronumpy: {PTH} is not in a site directory of this Python, so child processes cannot be reached; "
                "install the package with pip, or import micronumpy.numpy_hook before numpy"
            )
        os.environ["MICRONUMPY_HOOK"] = "1"
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *options, *sys.argv[1:]])


if __name__ == "__main__":
    main()

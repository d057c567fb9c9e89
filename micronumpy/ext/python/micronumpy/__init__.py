"""numpy's compiled half, in Rust.

    python -m micronumpy script.py      run a program on micronumpy's numpy
    import micronumpy.numpy_hook        the same inside a running Python, before numpy is imported
    micronumpy.fuse(function)           one function of arrays as one compiled loop
    @micronumpy.jit                     the loops of one function compiled, where the program does not run on micronumpy
    micronumpy.jit_stats()              what the compiler did so far, as a dict of counters
    python -m micronumpy.info           what is running: versions, processor, where numpy's Python layer comes from
"""

import sys

# The executable has the native half built in; in the installed package it is an extension module.
if "_micronumpy" in sys.builtin_module_names:
    import _micronumpy
else:
    from . import _micronumpy

__version__ = _micronumpy.version
__all__ = ["FusionError", "__version__", "fuse", "jit", "jit_stats"]
jit = _micronumpy.jit
jit_stats = _micronumpy.jit_stats


def __getattr__(name):
    if name in ("FusionError", "fuse"):
        # Recording needs numpy, and importing this package must not import it.
        from . import numpy_hook  # noqa: F401, I001
        from . import fusion

        globals().update(fuse=fusion.fuse, FusionError=fusion.FusionError)
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

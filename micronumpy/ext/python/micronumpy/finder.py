"""Where numpy is found: its Python layer on disk, its compiled modules in this process.

The finder stands first on ``sys.meta_path`` and answers for ``numpy`` and everything below it.

* ``numpy`` itself comes from an installed numpy of exactly the pinned version, or else from a private copy of the Python
  layer (`layer`). Another installed version is never mixed with our compiled half.
* A compiled module we have is made by the native library, once per process.
* A compiled module we do not have yet is a stand-in whose names raise NotImplementedError when used (`standin`), so that
  the rest of the package stays usable.
* No other extension module inside the package is loaded, whoever put it there.
"""

import os
import sys
import zlib
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec, PathFinder

from . import _micronumpy, layer, standin

#: The compiled modules of the pinned numpy. Those the native library does not list are served by stand-ins.
COMPILED = frozenset({
    "numpy._core._multiarray_tests",
    "numpy._core._multiarray_umath",
    "numpy._core._operand_flag_tests",
    "numpy._core._rational_tests",
    "numpy._core._simd",
    "numpy._core._struct_ufunc_tests",
    "numpy._core._umath_tests",
    "numpy.fft._pocketfft_umath",
    "numpy.linalg._umath_linalg",
    "numpy.linalg.lapack_lite",
    "numpy.random._bounded_integers",
    "numpy.random._common",
    "numpy.random._generator",
    "numpy.random._mt19937",
    "numpy.random._pcg64",
    "numpy.random._philox",
    "numpy.random._sfc64",
    "numpy.random.bit_generator",
    "numpy.random.mtrand",
})

#: Upstream's test extensions that use nothing but numpy's public C API, which they test; the only compiled files of upstream
#: that are loaded, and the only ones the private layer keeps.
PUBLIC_API_TESTS = frozenset({
    "numpy._core._operand_flag_tests",
    "numpy._core._rational_tests",
    "numpy._core._struct_ufunc_tests",
    "numpy._core._umath_tests",
})


class NativeLoader:
    """Loader of modules made by the native library."""

    # Modules that upstream lets one import again after `del sys.modules[name]`, and then returns the same object.
    _REIMPORTABLE = "numpy.random."

    def __init__(self):
        self._made = {}

    def create_module(self, spec):
        if spec.name.startswith(self._REIMPORTABLE) and spec.name in self._made:
            return self._made[spec.name]
        module = _micronumpy.create(spec)
        self._made[spec.name] = module
        return module

    def exec_module(self, module):
        _micronumpy.execute(module)

    def is_package(self, name):
        return False

    def get_code(self, name):
        return None

    def get_source(self, name):
        return None

    def __repr__(self):
        return "<micronumpy native loader>"


class Finder:
    """Meta path finder for numpy."""

    def __init__(self):
        self._native = frozenset(_micronumpy.names())
        self._native_loader = NativeLoader()
        self._standin_loader = standin.Loader()
        self._layer = None

    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            return self._find_package()
        if not name.startswith("numpy."):
            return None
        if name in self._native:
            spec = ModuleSpec(name, self._native_loader, origin=_library(name))
            spec.has_location = True
            return spec
        if name in COMPILED and name not in PUBLIC_API_TESTS:
            return ModuleSpec(name, self._standin_loader, origin="not implemented by micronumpy")
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, ExtensionFileLoader) and name not in PUBLIC_API_TESTS:
            raise ImportError(
                f"micronumpy does not load compiled modules into numpy: {name} at {spec.origin}",
                name=name,
                path=spec.origin,
            )
        return spec

    def find_distributions(self, context=None):
        """`importlib.metadata` for the private layer, which is not on sys.path."""
        wanted = getattr(context, "name", None)
        if wanted is not None and wanted.lower() != "numpy":
            return
        if context is not None and "path" in vars(context):
            return
        if wanted is None:
            # A listing of everything is no reason to fetch anything.
            found = self._layer or layer.find()
        else:
            found = self.layer()
        if found is not None and not found.installed:
            from importlib.metadata import PathDistribution
            from pathlib import Path

            yield PathDistribution(Path(found.root, f"numpy-{layer.VERSION}.dist-info"))

    def invalidate_caches(self):
        pass

    def layer(self):
        """The Python layer in use; fetches it when there is none."""
        if self._layer is None:
            self._layer = layer.find() or layer.fetch()
        return self._layer

    def _find_package(self):
        return PathFinder.find_spec("numpy", [self.layer().root])


def _library(name):
    """The file a compiled module is said to come from; see `_CARRIED`."""
    if name in _CARRIED and hasattr(_micronumpy, "carrier"):
        try:
            return _carrier(name.rpartition(".")[2] + EXTENSION_SUFFIXES[0])
        except OSError:
            pass  # no place to write: ctypes will not find it, nothing else cares
    return os.path.abspath(getattr(_micronumpy, "__file__", None) or sys.executable)


#: Modules whose file programs open with ctypes. The executable cannot be opened that way and carries a library for it.
_CARRIED = frozenset({"numpy._core._multiarray_umath", "numpy._core._multiarray_tests"})


def _carrier(file):
    contents = _micronumpy.carrier
    folder = os.path.join(layer.home(), f"lib-{zlib.crc32(contents):08x}")
    path = os.path.join(folder, file)
    if not os.path.exists(path):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        scratch = f"{path}.{os.getpid()}"
        with open(scratch, "wb") as stream:
            stream.write(contents)
        os.replace(scratch, path)
    return path

"""Modules that are not written yet.

A stand-in can be imported, and so can any name from it: test files import names they use in one test of fifty. Using
such a name raises NotImplementedError with the name in it.
"""

import sys

#: Modules that are star-imported, the package whose ``__all__`` tells what the star is expected to bring, and what is
#: added to that later.
_STAR_IMPORTED = {"numpy.random.mtrand": ("numpy.random", ["RandomState"])}


def _refuse(cls, *args, **kwargs):
    raise NotImplementedError(f"{cls.__module__}.{cls.__qualname__} is not implemented in micronumpy")


class _Missing(type):
    """Type of the names of a stand-in: they look like classes, since some are subclassed, and refuse every use."""

    def __getattr__(cls, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return _missing(cls.__module__, f"{cls.__qualname__}.{name}")


for _name in ("call iter len getitem setitem contains enter int index float complex "
              "add radd sub rsub mul rmul truediv floordiv mod pow and or xor neg invert lt le gt ge").split():
    setattr(_Missing, f"__{_name}__", _refuse)
del _name


def _missing(module, qualname):
    return _Missing(qualname.rpartition(".")[2], (), {"__module__": module, "__qualname__": qualname})


class Loader:
    """Loader of stand-ins."""

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        def __getattr__(name):
            if name == "__all__" and module.__name__ in _STAR_IMPORTED:
                importer, more = _STAR_IMPORTED[module.__name__]
                package = vars(sys.modules[importer])
                return [n for n in package["__all__"] + more if n not in package]
            if name.startswith("__") and name.endswith("__"):
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            value = _missing(module.__name__, name)
            setattr(module, name, value)
            return value

        module.__doc__ = "Not implemented in micronumpy: every name exists, and raises NotImplementedError when used."
        module.__getattr__ = __getattr__

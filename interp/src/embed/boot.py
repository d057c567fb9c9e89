# Runs before the standard library can be imported: only built-in modules and frozen importlib exist here.
# FILES and ORIGIN come from package.rs.
import sys
import _frozen_importlib


class Embedded:
    """Importer for the micronumpy package inside the executable."""

    def find_spec(self, name, path=None, target=None):
        if name == "numpy" or name.startswith("numpy."):
            # Puts the real finder on sys.meta_path, before this one.
            from micronumpy.numpy_hook import finder
            return finder.find_spec(name, path, target)
        package, _, rest = name.partition(".")
        if package != "micronumpy":
            return None
        file = rest + ".py" if rest else "__init__.py"
        if file not in FILES:
            return None
        spec = _frozen_importlib.ModuleSpec(name, self, origin=self.path(file), is_package=not rest)
        spec.has_location = True
        if not rest:
            spec.submodule_search_locations.append(f"{ORIGIN}/micronumpy")
        return spec

    def find_distributions(self, context=None):
        name = getattr(context, "name", None)
        if name is not None and name.lower() != "numpy":
            return ()
        if "micronumpy.numpy_hook" in sys.modules:
            return ()  # the finder answers for itself
        from micronumpy.numpy_hook import finder
        return finder.find_distributions(context)

    def invalidate_caches(self):
        pass

    # The file names are those a zip archive at the executable's path would have; linecache, inspect and pdb find no
    # such file and ask get_source().
    def path(self, file):
        return f"{ORIGIN}/micronumpy/{file}"

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(self.get_code(module.__name__), module.__dict__)

    def is_package(self, name):
        return name == "micronumpy"

    def get_filename(self, name):
        return self.path(name.partition(".")[2] + ".py" if "." in name else "__init__.py")

    def get_source(self, name):
        try:
            return FILES[self.get_filename(name)[len(self.path("")):]]
        except KeyError:
            raise ImportError(f"no module named {name!r} in the executable", name=name) from None

    # Code is named in a way by which coverage tools know what is no file; linecache asks get_source() for it, too.
    def get_code(self, name):
        file = self.get_filename(name)[len(self.path("")):]
        return compile(self.get_source(name), f"<micronumpy>/{file}", "exec", dont_inherit=True)

    def get_data(self, path):
        start = self.path("")
        if path.startswith(start) and path[len(start):] in FILES:
            return FILES[path[len(start):]].encode()
        raise OSError(2, "No such file in the executable", path)


sys.meta_path.insert(0, Embedded())

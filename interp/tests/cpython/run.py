"""Run CPython's own test modules of the language under plain CPython and under our executable: ``run.py --help``.

Every loop the VM can take is taken, the standard library's included. A test must come out as under plain CPython: passed,
failed, skipped. `differ.txt` lists the tests that may come out otherwise, each with its reason; an entry that isn't needed
any more is an error too. A module with a difference is run once more, and only what differs again counts: some tests
measure time.
"""

import argparse
import concurrent.futures
import fnmatch
import os
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

#: What a change to the VM breaks first, in about two minutes.
QUICK = """
    test_grammar test_generators test_exceptions test_scope test_float test_int test_list test_math test_builtin test_iter
    test_range test_slice test_tuple test_set test_dict test_string test_unpack test_with test_traceback test_warnings
    test_weakref test_augassign test_contains test_enumerate test_fstring test_listcomps test_opcodes test_bool
    test_sys_settrace test_except_star test_raise test_functools test_global test_unary test_binop test_compare
    test_extcall test_funcattrs test_pow test_named_expressions test_complex test_cmath test_copy
    """.split()
FULL = QUICK + """
    test_compile test_syntax test_sys test_gc test_threading test_signal test_itertools test_collections test_long
    test_keywordonlyarg test_call test_class test_codeop test_code test_context test_contextlib
    test_coroutines test_asyncgen test_dataclasses test_decimal test_defaultdict test_deque test_descr test_dictviews
    test_dynamic test_dynamicclassattribute test_enum test_exception_group test_exception_hierarchy test_exception_variations
    test_finalization test_fractions test_frame test_genericclass test_genexps test_hash test_heapq test_inspect
    test_int_literal test_isinstance test_json test_linecache test_metaclass test_module
    test_numeric_tower test_operator test_ordered_dict test_patma test_pdb test_peepholer test_pickle
    test_pprint test_print test_profile test_property test_queue test_random test_re test_richcmp test_runpy
    test_setcomps test_dictcomps test_sort test_statistics test_string_literals test_strftime test_struct test_subclassinit test_super
    test_sys_setprofile test_tabnanny test_textwrap test_thread test_threadsignals test_timeit test_tokenize test_trace
    test_tracemalloc test_typechecks test_types test_typing test_unicode test_bytes test_unpack_ex test_userdict
    test_userlist test_utf8source test_weakset test_yield_from test_zipimport test_argparse test_ast test_base64 test_bdb
    test_binascii test_bisect test_bufio test_calendar test_charmapcodec test_cmd test_cmd_line test_cmd_line_script
    test_configparser test_copyreg test_csv test_datetime test_difflib test_doctest test_email test_fileinput
    test_format test_getopt test_glob test_hashlib test_hmac test_html test_imp test_import test_importlib test_io
    test_ipaddress test_keyword test_locale test_memoryio test_memoryview test_minidom test_mimetypes test_optparse
    test_os test_pathlib test_plistlib test_posixpath test_pyclbr test_reprlib test_sched test_secrets test_shelve
    test_shlex test_shutil test_smtplib test_stat test_symtable test_tempfile test_unittest test_urlparse test_uuid test_xml_etree
    test_abc test_array test_atexit test_audit test_baseexception test_code_module test_codecs test_colorsys
    test_contextlib_async test_decorators test_descrtut test_dict_version test_eof test_errno test_faulthandler
    test_file test_filecmp test_fileio test_fnmatch test_future_stmt test_generator_stop test_genericalias
    test_genericpath test_graphlib test_index test_iterlen test_lltrace test_logging test_longexp test_mmap
    test_modulefinder test_ntpath test_opcache test_pep646_syntax test_picklebuffer test_pkg test_pkgutil
    test_positional_only_arg test_pstats test_pyexpat test_quopri test_repl test_rlcompleter test_select
    test_selectors test_strptime test_strtod test_structseq test_threading_local test_time test_tomllib
    test_type_annotations test_type_cache test_type_comments test_ucn test_unicodedata test_unparse test_userstring
    test_zlib test_bz2 test_gzip test_lzma test_subprocess test_eintr test_fork1 test_popen test_stringprep
    test_sundry test_univnewlines test_wave test_zipapp test_gettext test_http_cookies test_cgi test_mailbox
    test_sqlite3 test_ctypes test_cprofile test_pickletools
    """.split()
BAD = {"failure", "error", "unexpected success"}


class Runner:
    def __init__(self, options):
        self.options = options

    def outcomes(self, system, module):
        """Test id -> outcome, and what the process wrote about failures."""
        command = self.options.python if system == "plain" else self.options.micronumpy
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MICRONUMPY_VM"))}
        environment["MICRONUMPY_VM_ALL"] = "1"
        with tempfile.TemporaryDirectory(prefix="cpython-") as folder:
            out = os.path.join(folder, "outcomes")
            work = os.path.join(folder, "work")
            os.mkdir(work)
            # A group of its own, so that what tests start ends with them.
            child = subprocess.Popen(
                [command, os.path.join(HERE, "worker.py"), out, module], cwd=work, env=environment, text=True, errors="replace",
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
            ending = ""
            try:
                _, err = child.communicate(timeout=self.options.timeout)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                _, err = child.communicate()
                ending = "hangs"
            if child.returncode and not ending:
                ending = f"status {child.returncode}"
            found, last = {}, None
            if os.path.exists(out):
                with open(out, encoding="utf-8", errors="replace") as file:
                    for line in file:
                        outcome, _, test = line.rstrip("\n").partition("\t")
                        if outcome == "begun":
                            last = test
                        elif outcome == "done":
                            last, ending = None, ""
                        found[test] = outcome
            found.pop("", None)
            if ending:
                found[last or f"test.{module}"] = ending
        return found, err

    def differences(self, module):
        """(test, plain, ours) where outcomes differ, the number of tests, and what ours wrote."""
        plain, _ = self.outcomes("plain", module)
        ours, err = self.outcomes("ours", module)
        # What plain CPython can't load would come out the same everywhere.
        assert not any("_FailedTest" in test for test in plain), f"{module} can't be loaded: {list(plain)}"
        differing = {
            test: (plain.get(test, "not run"), ours.get(test, "not run"))
            for test in {**plain, **ours}
            if plain.get(test) != ours.get(test)
        }
        return differing, len(plain), err

    def module(self, module):
        differing, count, err = self.differences(module)
        if differing:
            again, _, err = self.differences(module)
            differing = {test: outcomes for test, outcomes in again.items() if test in differing}
        return differing, count, err


def allowed(path):
    """Pattern -> reason, of `differ.txt`: a pattern, spaces, a reason in words."""
    out = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                pattern, reason = line.split(None, 1)
                out[pattern] = reason.strip()
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="plain CPython, of the same version")
    parser.add_argument("--micronumpy", default="target/release/micronumpy", help="the executable under test")
    parser.add_argument("--full", action="store_true", help="all modules, not only the quick ones")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for a module")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("-v", "--verbose", action="store_true", help="print what failing tests wrote")
    parser.add_argument("modules", nargs="*", help="only these")
    options = parser.parse_args()
    options.micronumpy = os.path.abspath(options.micronumpy)
    reasons = allowed(os.path.join(HERE, "differ.txt"))
    modules = options.modules or (FULL if options.full else QUICK)
    runner, total, used, unexpected = Runner(options), 0, set(), 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for module, (differing, count, err) in zip(modules, pool.map(runner.module, modules)):
            total += count
            for test, (plain, ours) in sorted(differing.items()):
                matching = [p for p in reasons if fnmatch.fnmatchcase(test, p)]
                used.update(matching)
                if not matching:
                    unexpected += 1
                    print(f"{test}: {plain} under plain CPython, {ours} here", flush=True)
            if options.verbose and any(not any(fnmatch.fnmatchcase(t, p) for p in reasons) for t in differing):
                print(err, flush=True)
    stale = [p for p in reasons if p not in used and any(p.startswith(f"test.{m}.") for m in modules)]
    for pattern in stale:
        print(f"{pattern} is listed in differ.txt and does not differ")
    print(f"{len(modules)} modules, {total} tests, {unexpected} differ without a reason, {len(stale)} entries without use")
    return 1 if unexpected or stale else 0


if __name__ == "__main__":
    sys.exit(main())

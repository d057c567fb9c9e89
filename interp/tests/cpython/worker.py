"""Run test modules of CPython's own suite and write each test's outcome as soon as it is known.

``worker.py OUT MODULE...``: a line `outcome<TAB>test id` each, in OUT. A test that ends the process is the one begun last.
"""

import sys
import unittest


class Outcomes(unittest.TestResult):
    """One outcome per test: the worst of its subtests."""

    def __init__(self, file):
        super().__init__()
        self.file = file
        self.outcome = None

    def write(self, outcome, test):
        self.file.write(f"{outcome}\t{test.id()}\n")
        self.file.flush()

    def startTest(self, test):
        super().startTest(test)
        self.write("begun", test)
        self.outcome = "ok"

    def stopTest(self, test):
        super().stopTest(test)
        self.write(self.outcome, test)

    def addError(self, test, error):
        super().addError(test, error)
        self.failed("error", test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.failed("failure", test)

    def failed(self, outcome, test):
        print("\n".join(text for _, text in (self.errors + self.failures)[-1:]), file=sys.stderr)
        self.outcome = outcome
        # `setUpClass` and modules that can't be loaded are no tests that start.
        if not isinstance(test, unittest.TestCase):
            self.write(outcome, test)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.outcome = "failure"
            print(subtest.id(), "".join(map(str, error[1:2])), file=sys.stderr)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.outcome = "skipped"

    def addExpectedFailure(self, test, error):
        super().addExpectedFailure(test, error)
        self.outcome = "expected failure"

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.outcome = "unexpected success"


def deep(function, frames):
    """Calls a function as far down as CPython's own runner would: tests look at how deep tracebacks are."""
    return deep(function, frames - 1) if frames else function()


def main():
    out, *modules = sys.argv[1:]
    # Tests look at their arguments and at names of the main module.
    sys.argv = ["worker.py"]
    with open(out, "w", encoding="utf-8") as file:
        for name in modules:
            try:
                suite = unittest.defaultTestLoader.loadTestsFromName(f"test.{name}")
            except unittest.SkipTest:
                file.write(f"skipped\ttest.{name}\n")
                continue
            deep(lambda: suite.run(Outcomes(file)), 10)
        file.write("done\t\n")


if __name__ == "__main__":
    main()

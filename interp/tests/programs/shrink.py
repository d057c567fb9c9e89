"""Make a program smaller while two ways to run it still print different things.

Candidates are made on the syntax tree, knowing nothing about how programs are generated: without a statement, with a block
in place of its statement, with a part of an expression in place of the whole. All candidates of a round run in one batch;
the smallest that still differs is where the next round begins.
"""

import ast
import copy
import time
import warnings

BLOCKS = ("body", "orelse", "finalbody", "handlers")
#: Programs in a process: a crash costs a new process.
BATCH = 60


def shrunk(runner, source, pair, outputs, seconds=20):
    """The smaller program with its outputs, as small as it gets in that time."""
    end = time.monotonic() + seconds
    # Candidates are odd programs, and the compiler says so.
    warnings.simplefilter("ignore", SyntaxWarning)
    best = ast.unparse(ast.parse(source))
    found = runner.differing([("candidate", best)], pair)
    if not found:
        # It hangs on positions, which unparsing changes.
        return source, outputs
    best_outputs = found["candidate"]
    progress = True
    while progress:
        progress = False
        for make in (without_many, without, unwrapped, simpler):
            while time.monotonic() < end and (better := smaller(runner, best, make, pair)):
                best, best_outputs = better
                progress = True
    return best, best_outputs


def smaller(runner, best, make, pair):
    """The smallest candidate of the first batch in which one differs."""
    candidates = sorted({text for text in make(ast.parse(best)) if len(text) < len(best)}, key=len)
    for start in range(0, len(candidates), BATCH):
        batch = {f"candidate {i}": text for i, text in enumerate(candidates[start : start + BATCH])}
        found = runner.differing(list(batch.items()), pair)
        if found:
            name = min(found, key=lambda n: len(batch[n]))
            return batch[name], found[name]
    return None


def written(tree):
    try:
        text = ast.unparse(ast.fix_missing_locations(tree))
        compile(text, "<candidate>", "exec")
        return text
    except (SyntaxError, ValueError, RecursionError):
        return None


def places(tree):
    """Every (node, field) that is a block, in a fixed order."""
    return [(node, field) for node in ast.walk(tree) for field in BLOCKS if isinstance(getattr(node, field, None), list)]


def edited(tree, place, at, make):
    """The text of a copy in which `make` has replaced statement `at` of block `place` by a list."""
    copied = copy.deepcopy(tree)
    node, field = places(copied)[place]
    block = getattr(node, field)
    block[at : at + 1] = make(block[at])
    if not block and field == "body" and not isinstance(node, ast.Module):
        block.append(ast.Pass())
    return written(copied)


def without(tree):
    for place, (node, field) in enumerate(places(tree)):
        for at in range(len(getattr(node, field))):
            if text := edited(tree, place, at, lambda _: []):
                yield text


def without_many(tree):
    """Halves and quarters of blocks."""
    for place, (node, field) in enumerate(places(tree)):
        length = len(getattr(node, field))
        for parts in (2, 4):
            size = -(-length // parts)
            if size < 2:
                continue
            for start in range(0, length, size):
                copied = copy.deepcopy(tree)
                other, _ = places(copied)[place]
                block = getattr(other, field)
                del block[start : start + size]
                if not block and field == "body" and not isinstance(other, ast.Module):
                    block.append(ast.Pass())
                if text := written(copied):
                    yield text


def unwrapped(tree):
    for place, (node, field) in enumerate(places(tree)):
        for at, statement in enumerate(getattr(node, field)):
            for inner in BLOCKS[:3]:
                if getattr(statement, inner, None) and not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                    if text := edited(tree, place, at, lambda s, inner=inner: getattr(s, inner)):
                        yield text


def simpler(tree):
    """A part in place of the whole expression."""
    expressions = [n for n in ast.walk(tree) if isinstance(n, ast.expr)]
    for at, node in enumerate(expressions):
        for part in parts(node):
            copied = copy.deepcopy(tree)
            target = [n for n in ast.walk(copied) if isinstance(n, ast.expr)][at]
            if text := written(Replace(target, part).visit(copied)):
                yield text


def parts(node):
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or isinstance(node, (ast.Constant, ast.Name)):
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr) and not isinstance(node, (ast.JoinedStr, ast.FormattedValue)):
            yield child
    if not isinstance(node, ast.Name):
        yield ast.Constant(1)


class Replace(ast.NodeTransformer):
    def __init__(self, target, part):
        self.target, self.part = target, part

    def visit(self, node):
        return copy.deepcopy(self.part) if node is self.target else self.generic_visit(node)

"""Exceptions that are caught, passed on and replaced, context managers, and what is being handled meanwhile."""

import sys
import traceback
def show(f, *a):
    try:
        print(f.__name__, '->', f(*a))
    except BaseException:
        print(f.__name__)
        print(traceback.format_exc())
    print('handled', sys.exc_info()[1])

def basic(n):
    out = []
    for i in range(n):
        try:
            out.append(10 // (i - 3))
        except ZeroDivisionError as e:
            out.append(str(e))
            out.append(e.__traceback__.tb_lineno)
            out.append(e.__context__)
        except (ValueError, TypeError):
            out.append('no')
        else:
            out.append('else')
        finally:
            out.append('fin')
    return out
show(basic, 6)

def nomatch(n):
    for i in range(n):
        try:
            x = [1, 2, 3][i]
        except KeyError:
            pass
show(nomatch, 5)

def reraise(n):
    for i in range(n):
        try:
            x = [1, 2, 3][
                i]
        except IndexError as e:
            y = 1
            raise
show(reraise, 5)

def reraise2(n):
    for i in range(n):
        try:
            try:
                x = [1, 2, 3][i]
            except IndexError as e:
                raise ValueError('a') from e
        except ValueError as v:
            w = v
            raise TypeError(
                'b')
show(reraise2, 5)

def nested(n):
    log = []
    for i in range(n):
        try:
            try:
                if i == 2: raise KeyError(i)
                if i == 3: raise ValueError(i)
                if i == 4: continue
                if i == 6: break
                log.append(i)
            finally:
                log.append(('f', i, sys.exc_info()[1]))
        except KeyError as k:
            log.append(('k', repr(k), sys.exc_info()[1] is k))
        except ValueError:
            log.append(('v', repr(sys.exc_info()[1]), traceback.format_exc()))
    return log
show(nested, 9)

def ret(n):
    log = []
    for i in range(n):
        try:
            if i == 3:
                return log, i
        finally:
            log.append(i)
            i = 100
show(ret, 9)

def retover(n):
    for i in range(n):
        try:
            1 // 0
        finally:
            return 'swallowed'
show(retover, 9)

def brk(n):
    for i in range(n):
        try:
            1 // 0
        finally:
            if i == 3: break
            continue
    return i
show(brk, 9)

class M:
    def __init__(self, log, swallow=False): self.log = log; self.swallow = swallow
    def __enter__(self): self.log.append('in'); return self
    def __exit__(self, *a):
        self.log.append(('out', a[0], str(a[1]), a[2].tb_lineno if a[2] else None, sys.exc_info()[1] is a[1]))
        return self.swallow
def withs(n, swallow):
    log = []
    for i in range(n):
        with M(log, swallow) as m, M(log) as k:
            if i == 1: continue
            if i == 3: raise ValueError(i)
            if i == 5: return log
            log.append(i)
    return log
show(withs, 4, True)
show(withs, 7, True)
show(withs, 7, False)
def badwith(n, x):
    for i in range(n):
        with x:
            pass
show(badwith, 2, 3)
class E:
    def __enter__(self): 1//0
    def __exit__(self, *a): pass
show(badwith, 2, E())
class E:
    def __enter__(self): pass
show(badwith, 2, E())
class E:
    def __enter__(self): pass
    def __exit__(self, *a): 1//0
show(badwith, 2, E())
def badcatch(n):
    for i in range(n):
        try:
            1 // 0
        except (int, 'x'):
            pass
show(badcatch, 2)
def name_deleted(n):
    for i in range(n):
        try:
            1 // 0
        except ZeroDivisionError as e:
            pass
    return e
show(name_deleted, 2)
def cell(n):
    for i in range(n):
        try:
            1 // 0
        except ZeroDivisionError as e:
            f = lambda: e
            g = f()
    try:
        return f()
    except NameError as x:
        return repr(x), repr(g)
show(cell, 2)
def inner_exc(n):
    for i in range(n):
        try:
            {}[i]
        except KeyError:
            try:
                1 // 0
            except ZeroDivisionError:
                print(repr(sys.exc_info()[1]), repr(sys.exc_info()[1].__context__))
            print(repr(sys.exc_info()[1]))
        print(repr(sys.exc_info()[1]))
show(inner_exc, 2)
def bare(n):
    for i in range(n):
        raise
show(bare, 1)
def bare2(n):
    try:
        {}[5]
    except KeyError:
        for i in range(n):
            raise
show(bare2, 1)
def gen():
    for i in range(3):
        try:
            {}[i]
        except KeyError:
            pass
    yield sys.exc_info()[1]
    for i in range(3):
        try:
            {}[i]
        except KeyError:
            pass
    yield sys.exc_info()[1]
def usegen():
    out = []
    try:
        1 // 0
    except ZeroDivisionError:
        g = gen()
        out.append(next(g))
    out.append(next(g))
    return [repr(x) for x in out]
show(usegen)
class D:
    def __init__(self, n, log): self.n = n; self.log = log
    def __del__(self): self.log.append((self.n, sys._getframe(1).f_lineno - sys._getframe(1).f_code.co_firstlineno))
def deaths(n):
    log = []
    for i in range(n):
        try:
            x = D(i, log)
            (D(('t', i), log), D(('u', i), log), 1 // (i - 1))
        except ZeroDivisionError:
            log.append('caught')
            del x
        log.append('end')
    return log
show(deaths, 3)
# module level
for i in range(4):
    try:
        [1, 2][i]
    except IndexError as err:
        print('mod', err, err.__traceback__.tb_lineno)
    else:
        print('ok')
    finally:
        print('f')
print('err' in globals())
def ki(n):
    for i in range(n):
        try:
            raise KeyboardInterrupt
        except Exception:
            pass
        except BaseException as b:
            print(repr(b))
show(ki, 2)

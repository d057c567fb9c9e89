use super::*;
use core::ffi::{c_int, c_void};

fn sorted<T: Clone>(t: TypeNum, kind: SortKind, items: &[T]) -> Vec<T> {
    let mut v = items.to_vec();
    let f = sort_fn(t, kind).expect("a sort");
    // SAFETY: the vector's own items.
    unsafe { f(v.as_mut_ptr().cast(), v.len(), size_of::<T>()) };
    v
}

fn arg<T>(t: TypeNum, items: &[T]) -> Vec<isize> {
    let mut index = vec![-1; items.len()];
    let f = argsort_fn(t).expect("a sort");
    // SAFETY: the slice's own items.
    unsafe { f(items.as_ptr().cast(), index.as_mut_ptr(), items.len(), size_of::<T>(), true) };
    index
}

#[test]
fn nan_last_and_ties_stable() {
    let v = [f64::NAN, 1.0, -f64::NAN, 0.0, f64::INFINITY, -0.0, f64::NEG_INFINITY];
    for kind in [SortKind::Quick, SortKind::Heap, SortKind::Stable] {
        let s = sorted(TypeNum::DOUBLE, kind, &v);
        assert_eq!(s[..5], [f64::NEG_INFINITY, 0.0, 0.0, 1.0, f64::INFINITY]);
        assert!(s[5].is_nan() && s[6].is_nan());
    }
    assert!(sorted(TypeNum::DOUBLE, SortKind::Stable, &v)[1].is_sign_positive());
    assert_eq!(arg(TypeNum::DOUBLE, &v), [6, 3, 5, 1, 4, 0, 2]);
    let halves = v.map(f16::from_f64);
    assert_eq!(arg(TypeNum::HALF, &halves), [6, 3, 5, 1, 4, 0, 2]);
    let dates = [i64::MIN, 5, i64::MAX, -5];
    assert_eq!(sorted(TypeNum::DATETIME, SortKind::Quick, &dates), [-5, 5, i64::MAX, i64::MIN]);
    assert_eq!(arg(TypeNum::TIMEDELTA, &dates), [3, 1, 2, 0]);
}

#[test]
fn all_integer_types() {
    let mut state = 7u64;
    let words: Vec<u64> = (0..20_000)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state >> 20
        })
        .collect();
    macro_rules! check {
        ($($t:ty = $num:ident)*) => {$(
            let v: Vec<$t> = words.iter().map(|&w| w as $t).collect();
            let mut expected = v.clone();
            expected.sort();
            assert_eq!(sorted(TypeNum::$num, SortKind::Quick, &v), expected);
            let mut index: Vec<isize> = (0..v.len() as isize).collect();
            index.sort_by_key(|&i| v[i as usize]);
            assert_eq!(arg(TypeNum::$num, &v), index);
            let mut part = v.clone();
            let f = partition_fn(TypeNum::$num).expect("a partition");
            // SAFETY: the vector's own items.
            unsafe { f(part.as_mut_ptr().cast(), part.len(), size_of::<$t>(), &[0, 77, 77, 19_999, 50_000]) };
            for k in [0, 77, 19_999] {
                assert_eq!(part[k], expected[k]);
                assert!(part[..k].iter().all(|x| *x <= part[k]));
            }
        )*};
    }
    check!(i8 = BYTE u8 = UBYTE i16 = SHORT u16 = USHORT i32 = INT u32 = UINT i64 = LONG u64 = ULONG);
}

/// Keys and places do not fit a word together: what keys lose decides all the same.
#[test]
fn far_and_close_numbers() {
    let mut state = 7u64;
    let mut next = |kinds: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 33 & (kinds - 1)
    };
    for n in [17, 100, 1000, 20_000] {
        let far = |k: u64, x: f64| if k == 0 { -1e300 } else { x };
        let reals: Vec<f64> = (0..n).map(|_| far(next(64), 1.0 + next(32) as f64 * f64::EPSILON)).collect();
        let pairs: Vec<Complex64> = reals.iter().map(|&re| Complex64 { re, im: next(4) as f64 }).collect();
        check(TypeNum::DOUBLE, &reals, n);
        check(TypeNum::CDOUBLE, &pairs, n);
    }
    fn check<T: SortOrd + core::fmt::Debug>(t: TypeNum, items: &[T], n: usize) {
        let identity: Vec<isize> = (0..n as isize).collect();
        let mut expected = identity.clone();
        expected.sort_by(|&a, &b| items[a as usize].order(items[b as usize]));
        assert_eq!(arg(t, items), expected);
        let f = argpartition_fn(t).expect("a partition");
        for kth in [&[n / 2][..], &[0, n / 3, n / 3 + 1, n - 1], &[n / 64 + 1, n / 4]] {
            let mut index = vec![-1; n];
            // SAFETY: the slice's own items.
            unsafe { f(items.as_ptr().cast(), index.as_mut_ptr(), n, size_of::<T>(), kth) };
            for &k in kth {
                let at = |i: usize| items[index[i] as usize];
                assert!(at(k).order(items[expected[k] as usize]).is_eq(), "{n} {k}");
                assert!((0..k).all(|i| at(i).order(at(k)).is_le()), "{n} {k}");
                assert!((k..n).all(|i| at(i).order(at(k)).is_ge()), "{n} {k}");
            }
            index.sort_unstable();
            assert_eq!(index, identity);
        }
    }
}

/// Few different values, which are counted, and one more of them than that, behind all others; the order of equal ones stays.
#[test]
fn few_values() {
    let mut state = 7u64;
    let mut next = |kinds: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % kinds
    };
    fn check<T: SortOrd + core::fmt::Debug>(t: TypeNum, items: &[T]) {
        let mut expected: Vec<isize> = (0..items.len() as isize).collect();
        let order = |a: &isize, b: &isize| items[*a as usize].order(items[*b as usize]);
        expected.sort_by(order);
        assert_eq!(arg(t, items), expected);
        let f = argsort_fn(t).expect("a sort");
        // Another order to begin with is kept among equals, too.
        let mut index: Vec<isize> = (0..items.len() as isize).rev().collect();
        let mut expected = index.clone();
        expected.sort_by(order);
        // SAFETY: the slice's own items.
        unsafe { f(items.as_ptr().cast(), index.as_mut_ptr(), items.len(), size_of::<T>(), false) };
        assert_eq!(index, expected);
        for kind in [SortKind::Quick, SortKind::Stable] {
            let ours = sorted(t, kind, items);
            assert!(ours.windows(2).all(|two| !two[1].less(two[0])));
            assert!(ours.iter().zip(&sorted(t, SortKind::Stable, items)).all(|(a, b)| a.order(*b).is_eq()));
        }
        let f = argpartition_fn(t).expect("a partition");
        for k in [0, items.len() / 2, items.len() - 1] {
            let mut index = vec![0; items.len()];
            // SAFETY: the slice's own items.
            unsafe { f(items.as_ptr().cast(), index.as_mut_ptr(), items.len(), size_of::<T>(), &[k]) };
            let at = |i: usize| items[index[i] as usize];
            assert!((0..k).all(|i| !at(k).less(at(i))) && (k..items.len()).all(|i| !at(i).less(at(k))));
            index.sort_unstable();
            assert!(index.iter().zip(0..).all(|(&at, i)| at == i));
        }
    }
    for n in [20, 511, 512, 1000, 1025, 5000] {
        for kinds in [1, 2, 10, 16, 17, 40] {
            let mut reals: Vec<f64> =
                (0..n).map(|_| [0.0, -0.0, f64::NAN, -1.0][next(4)] * next(kinds) as f64).collect();
            reals[n - 1] = 1e300;
            check(TypeNum::DOUBLE, &reals);
            check(TypeNum::FLOAT, &reals.iter().map(|&x| x as f32).collect::<Vec<_>>());
            check(TypeNum::HALF, &reals.iter().map(|&x| f16::from_f64(x)).collect::<Vec<_>>());
            let mut ints: Vec<i64> = (0..n).map(|_| next(kinds) as i64 - 3).collect();
            ints[n - 1] = i64::MIN;
            check(TypeNum::LONG, &ints);
            check(TypeNum::TIMEDELTA, &ints.iter().map(|&x| Timedelta(x)).collect::<Vec<_>>());
            check(TypeNum::UINT, &ints.iter().map(|&x| x as u32).collect::<Vec<_>>());
            check(TypeNum::SHORT, &ints.iter().map(|&x| x as i16).collect::<Vec<_>>());
            check(TypeNum::UBYTE, &ints.iter().map(|&x| x as u8).collect::<Vec<_>>());
            let part =
                |next: &mut dyn FnMut(usize) -> usize| [0.0, -0.0, 1.0, 2.0][next(4)] * next(kinds) as f64;
            let pairs: Vec<Complex64> =
                (0..n).map(|_| Complex64 { re: part(&mut next), im: part(&mut next) }).collect();
            check(TypeNum::CDOUBLE, &pairs);
        }
    }
}

#[test]
fn strings() {
    let v = [*b"b\0", *b"a\x80", *b"a\0", *b"\0\0", *b"a\x7f"];
    assert_eq!(arg(TypeNum::STRING, &v), [3, 2, 4, 1, 0]);
    assert_eq!(sorted(TypeNum::STRING, SortKind::Quick, &v)[1], *b"a\0");
    let u = [[0x10000u32, 0], [0xffff, 1], [0xffff, 0]];
    assert_eq!(arg(TypeNum::UNICODE, &u), [2, 1, 0]);
}

#[test]
fn searching() {
    let data = [1.0, 2.0, 2.0, f64::NAN];
    let keys = [f64::NAN, 2.0, 0.0, 3.0, 2.5];
    let mut out = [0isize; 5];
    let mut run = |side| {
        let f = search_fn(TypeNum::DOUBLE, side).expect("a search");
        // SAFETY: the arrays' own items.
        unsafe {
            f((data.as_ptr().cast(), 8, 4), (keys.as_ptr().cast(), 8, 5), (out.as_mut_ptr().cast(), 8), 8)
        };
        out
    };
    assert_eq!(run(Side::Left), [3, 1, 0, 3, 3]);
    assert_eq!(run(Side::Right), [4, 3, 0, 3, 3]);
    let f = search_fn_with_sorter(TypeNum::DOUBLE, Side::Left).expect("a search");
    for (sorter, expected) in [([3isize, 0, 1, 2], Ok(())), ([0, 1, 9, 2], Err(BadSorter))] {
        let shifted = [2.0, 2.0, f64::NAN, 1.0];
        // SAFETY: the arrays' own items.
        let got = unsafe {
            let s = (sorter.as_ptr().cast(), 8);
            f(
                (shifted.as_ptr().cast(), 8, 4),
                (keys.as_ptr().cast(), 8, 5),
                (out.as_mut_ptr().cast(), 8),
                s,
                8,
            )
        };
        assert_eq!(got, expected);
        if got.is_ok() {
            assert_eq!(out, [3, 1, 0, 3, 3]);
        }
    }
}

unsafe extern "C" fn erratic(a: *const u8, b: *const u8, ctx: *mut c_void) -> c_int {
    // SAFETY: the test passes a counter and items of four bytes.
    unsafe {
        let calls = &mut *(ctx as *mut (u32, u32));
        calls.0 += 1;
        if calls.0 == calls.1 {
            return by::COMPARE_FAILED;
        }
        let (a, b) = (*(a as *const u32), *(b as *const u32));
        if calls.1 == 0 {
            (a > b) as c_int - (a < b) as c_int
        } else {
            (calls.0.wrapping_mul(a ^ b) % 3) as c_int - 1
        }
    }
}

#[test]
fn foreign_comparisons() {
    let v: Vec<u32> = (0..1000).map(|i| i * 7919 % 1000).collect();
    for kind in [SortKind::Quick, SortKind::Stable] {
        foreign_comparisons_of(&v, kind);
    }
}

fn foreign_comparisons_of(v: &[u32], kind: SortKind) {
    let run = |fail_at: u32| {
        let (mut items, mut calls) = (v.to_vec(), (0u32, fail_at));
        let cmp = by::Comparator { less: erratic, order: erratic, ctx: (&raw mut calls).cast() };
        // SAFETY: the vector's own items.
        let r = unsafe { by::sort(items.as_mut_ptr().cast(), items.len(), 4, kind, &cmp) };
        (items, r)
    };
    assert_eq!(run(0), ((0..1000).collect(), Ok(())));
    assert_eq!(run(500), (v.to_vec(), Err(by::CompareFailed)));
    let (mut items, r) = run(u32::MAX);
    items.sort();
    assert_eq!((items, r), ((0..1000).collect(), Ok(())));
}

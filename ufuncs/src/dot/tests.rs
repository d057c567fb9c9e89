use super::*;
use crate::fpstatus;

/// Multiplies small whole numbers in a type, each factor and the result row- or column-major, and compares with exact
/// results.
fn check<T: DotElem>(t: TypeNum, from: fn(i64) -> T, to: fn(T) -> i64, sizes: [usize; 3]) {
    let [m, k, n] = sizes;
    let value = |i: usize, salt: usize| (i * 7 + salt) as i64 % 3;
    let a: Vec<T> = (0..m * k).map(|i| from(value(i, 1))).collect();
    let b: Vec<T> = (0..k * n).map(|i| from(value(i, 2))).collect();
    let size = size_of::<T>();
    // Strides in elements.
    let strides = |rows: usize, cols: usize, by_columns: bool| if by_columns { [1, rows] } else { [cols, 1] };
    for layout in 0..8 {
        let (sa, sb) = (strides(m, k, layout & 1 > 0), strides(k, n, layout & 2 > 0));
        let so = strides(m, n, layout & 4 > 0);
        let bytes = |s: [usize; 2]| s.map(|s| (s * size) as isize);
        let mut out = vec![from(2); m * n];
        let p = Product {
            m,
            k,
            n,
            a: a.as_ptr().cast(),
            a_strides: bytes(sa),
            b: b.as_ptr().cast(),
            b_strides: bytes(sb),
            out: out.as_mut_ptr().cast(),
            out_strides: bytes(so),
        };
        // SAFETY: the vectors' own elements.
        unsafe { matmul_fn(t).expect("a product")(&p) };
        for i in 0..m {
            for j in 0..n {
                let term = |l| value(i * sa[0] + l * sa[1], 1) * value(l * sb[0] + j * sb[1], 2);
                let exact: i64 = (0..k).map(term).sum();
                assert_eq!(to(out[i * so[0] + j * so[1]]), exact, "{t:?} {sizes:?} {layout} {i} {j}");
            }
        }
    }
}

#[test]
fn products() {
    let small = [
        [1, 1, 1],
        [2, 3, 4],
        [3, 0, 2],
        [1, 20, 5],
        [3, 3, 3],
        [4, 4, 4],
        [5, 6, 7],
        [17, 9, 70],
        [33, 21, 1],
    ];
    let large = [
        [50, 49, 51],
        [13, 300, 40],
        [1, 70, 1100],
        [1100, 9, 1],
        [9, 40, 130],
        [65, 4, 4],
        [70, 16, 8],
        [64, 17, 5],
    ];
    for sizes in small {
        check::<i8>(TypeNum::BYTE, |x| x as i8, i64::from, sizes);
        check::<u8>(TypeNum::UBYTE, |x| x as u8, i64::from, sizes);
    }
    for sizes in small.into_iter().chain(large) {
        check::<i16>(TypeNum::SHORT, |x| x as i16, i64::from, sizes);
        check::<i32>(TypeNum::INT, |x| x as i32, i64::from, sizes);
        check::<i64>(TypeNum::LONGLONG, |x| x, |x| x, sizes);
        check::<f32>(TypeNum::FLOAT, |x| x as f32, |x| x as i64, sizes);
        check::<f64>(TypeNum::DOUBLE, |x| x as f64, |x| x as i64, sizes);
        check::<f16>(TypeNum::HALF, |x| f16::from_f64(x as f64), |x| x.to_f64() as i64, sizes);
        check::<LongDouble>(TypeNum::LONGDOUBLE, LongDouble::from, |x| x.to_i64(), sizes);
        check::<Complex64>(TypeNum::CDOUBLE, |x| Complex64::new(x as f64, 0.0), |x| x.re as i64, sizes);
        check::<Complex32>(TypeNum::CFLOAT, |x| Complex32::new(x as f32, 0.0), |x| x.re as i64, sizes);
    }
}

/// Products of Gaussian integers, of which every sum is exact, in all layouts.
#[test]
fn complex_products() {
    let value = |i: usize, salt: usize| {
        let i = i * 7 + salt;
        Complex64::new((i % 5) as f64 - 2.0, (i % 3) as f64 - 1.0)
    };
    let sizes =
        [[2, 2, 2], [5, 5, 5], [4, 1, 9], [9, 300, 4], [17, 6, 33], [60, 40, 50], [700, 3, 5], [5, 3, 700]];
    for [m, k, n] in sizes {
        let a: Vec<Complex64> = (0..m * k).map(|i| value(i, 1)).collect();
        let b: Vec<Complex64> = (0..k * n).map(|i| value(i, 2)).collect();
        for layout in 0..8 {
            let strides =
                |rows: usize, cols: usize, by_columns: bool| if by_columns { [1, rows] } else { [cols, 1] };
            let (sa, sb) = (strides(m, k, layout & 1 > 0), strides(k, n, layout & 2 > 0));
            let so = strides(m, n, layout & 4 > 0);
            let bytes = |s: [usize; 2]| s.map(|s| (s * 16) as isize);
            let mut out = vec![Complex64::new(9.0, 9.0); m * n];
            let p = Product {
                m,
                k,
                n,
                a: a.as_ptr().cast(),
                a_strides: bytes(sa),
                b: b.as_ptr().cast(),
                b_strides: bytes(sb),
                out: out.as_mut_ptr().cast(),
                out_strides: bytes(so),
            };
            // SAFETY: the vectors' own elements.
            unsafe { matmul_fn(TypeNum::CDOUBLE).expect("a product")(&p) };
            for i in 0..m {
                for j in 0..n {
                    let exact: Complex64 =
                        (0..k).map(|l| a[i * sa[0] + l * sa[1]] * b[l * sb[0] + j * sb[1]]).sum();
                    assert_eq!(out[i * so[0] + j * so[1]], exact, "{m} {k} {n} {layout} {i} {j}");
                }
            }
        }
    }
}

/// Windows of a complex vector, as `correlate` multiplies them: their columns are contiguous.
#[test]
fn complex_windows() {
    let x: Vec<Complex32> = (0..100).map(|i| Complex32::new((i % 7) as f32, (i % 4) as f32)).collect();
    for width in [2, 3, 4, 5, 7, 8, 9, 20] {
        let y: Vec<Complex32> =
            (0..width).map(|i| Complex32::new((i % 3) as f32, 1.0 - (i % 5) as f32)).collect();
        let rows = x.len() - width + 1;
        let mut out = vec![Complex32::new(9.0, 9.0); rows];
        let p = Product {
            m: rows,
            k: width,
            n: 1,
            a: x.as_ptr().cast(),
            a_strides: [8, 8],
            b: y.as_ptr().cast(),
            b_strides: [8, 8],
            out: out.as_mut_ptr().cast(),
            out_strides: [8, 8],
        };
        // SAFETY: the vectors' own elements.
        unsafe { matmul_fn(TypeNum::CFLOAT).expect("a product")(&p) };
        for (i, out) in out.iter().enumerate() {
            assert_eq!(*out, x[i..].iter().zip(&y).map(|(x, y)| x * y).sum::<Complex32>(), "{width} {i}");
        }
    }
}

/// Integers of 64 bits are multiplied otherwise if all of a product's fit 32.
#[test]
fn long_integers() {
    let (m, k, n) = (9, 20, 11);
    let ends = [i64::from(i32::MIN), i64::from(i32::MAX), -1, 7, 0];
    for large in [None, Some(i64::MAX), Some(1 << 31), Some(i64::from(i32::MIN) - 1)] {
        for place in [0, 57, 179] {
            let mut a: Vec<i64> = (0..m * k).map(|i| ends[i * 7 % 5]).collect();
            let b: Vec<i64> = (0..k * n).map(|i| ends[i * 3 % 5]).collect();
            a[place] = large.unwrap_or(a[place]);
            let mut out = vec![0i64; m * n];
            let row = |n: usize| [n as isize * 8, 8];
            for swap in [false, true] {
                // The transposed product, to have the large number in the other factor.
                let p = Product {
                    m: if swap { n } else { m },
                    k,
                    n: if swap { m } else { n },
                    a: if swap { b.as_ptr().cast() } else { a.as_ptr().cast() },
                    a_strides: if swap { [8, n as isize * 8] } else { row(k) },
                    b: if swap { a.as_ptr().cast() } else { b.as_ptr().cast() },
                    b_strides: if swap { [8, k as isize * 8] } else { row(n) },
                    out: out.as_mut_ptr().cast(),
                    out_strides: if swap { row(m) } else { row(n) },
                };
                // SAFETY: the vectors' own elements.
                unsafe { matmul_fn(TypeNum::LONG).expect("a product")(&p) };
                for i in 0..m {
                    for j in 0..n {
                        let exact = (0..k)
                            .fold(0i64, |sum, l| sum.wrapping_add(a[i * k + l].wrapping_mul(b[l * n + j])));
                        assert_eq!(
                            out[if swap { j * m + i } else { i * n + j }],
                            exact,
                            "{large:?} {place} {swap}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn truth() {
    let (m, k, n) = (11, 40, 130);
    let bit = |i: usize, salt: usize| (i * i + salt).is_multiple_of(37);
    let a: Vec<Bool> = (0..m * k).map(|i| bit(i, 1).into()).collect();
    let b: Vec<Bool> = (0..k * n).map(|i| bit(i, 2).into()).collect();
    let mut out = vec![Bool::from(true); m * n];
    let p = Product {
        m,
        k,
        n,
        a: a.as_ptr().cast(),
        a_strides: [k as isize, 1],
        b: b.as_ptr().cast(),
        b_strides: [n as isize, 1],
        out: out.as_mut_ptr().cast(),
        out_strides: [n as isize, 1],
    };
    // SAFETY: the vectors' own elements.
    unsafe { matmul_fn(TypeNum::BOOL).expect("a product")(&p) };
    for i in 0..m {
        for j in 0..n {
            assert_eq!(
                out[i * n + j].get(),
                (0..k).any(|l| bit(i * k + l, 1) && bit(l * n + j, 2)),
                "{i} {j}"
            );
        }
    }
}

#[test]
fn own_transpose() {
    for (m, k) in [(48, 5), (70, 33), (300, 4)] {
        let a: Vec<f64> = (0..m * k).map(|i| (i % 17) as f64 - 8.0).collect();
        let mut out = vec![f64::NAN; m * m];
        let (row, size) = (k as isize * 8, 8);
        let p = Product {
            m,
            k,
            n: m,
            a: a.as_ptr().cast(),
            a_strides: [row, size],
            b: a.as_ptr().cast(),
            b_strides: [size, row],
            out: out.as_mut_ptr().cast(),
            out_strides: [m as isize * 8, 8],
        };
        // SAFETY: the vectors' own elements.
        unsafe { matmul_fn(TypeNum::DOUBLE).expect("a product")(&p) };
        for i in 0..m {
            for j in 0..m {
                let exact: f64 = (0..k).map(|l| a[i * k + l] * a[j * k + l]).sum();
                assert_eq!(out[i * m + j], exact, "{m} {i} {j}");
            }
        }
    }
}

#[test]
fn long_inner_products() {
    for n in [15, 16, 31, 100, 1000] {
        let a: Vec<Complex64> = (0..n).map(|i| Complex64::new((i % 5) as f64, (i % 3) as f64)).collect();
        let b: Vec<Complex64> = (0..n).map(|i| Complex64::new((i % 7) as f64, -((i % 2) as f64))).collect();
        for (f, conjugated) in [(dot_fn(TypeNum::CDOUBLE), false), (vdot_fn(TypeNum::CDOUBLE), true)] {
            let mut out = Complex64::new(0.0, 0.0);
            let to: *mut Complex64 = &mut out;
            // SAFETY: the vectors' own elements.
            unsafe { f.expect("a product")(a.as_ptr().cast(), 16, b.as_ptr().cast(), 16, to.cast(), n) };
            let exact: Complex64 =
                a.iter().zip(&b).map(|(a, b)| if conjugated { a.conj() * b } else { a * b }).sum();
            assert_eq!(out, exact, "{n} {conjugated}");
        }
    }
}

#[test]
fn gufuncs() {
    // a = [[1, i], [2, 3]], v = [i, 1] as rows of complex numbers; the outer loop runs over the rows of v twice.
    let c = |re: f64, im: f64| Complex64::new(re, im);
    let a = [c(1.0, 0.0), c(0.0, 1.0), c(2.0, 0.0), c(3.0, 0.0)];
    let v = [c(0.0, 1.0), c(1.0, 0.0)];
    let run = |f: crate::abi::LoopFn, x: &[Complex64], y: &[Complex64], dims: &[isize], strides: &[isize]| {
        let mut out = [c(9.0, 9.0); 4];
        let data = [x.as_ptr() as *mut u8, y.as_ptr() as *mut u8, out.as_mut_ptr() as *mut u8];
        // SAFETY: the strides stay inside the arrays.
        unsafe {
            f(core::ptr::null(), data.as_ptr(), dims.as_ptr(), strides.as_ptr(), core::ptr::null_mut())
        };
        out
    };
    let rest = c(9.0, 9.0);
    let out = run(vecdot::<Complex64>, &v, &a, &[2, 2], &[0, 32, 16, 16, 16]);
    assert_eq!(out, [c(0.0, 0.0), c(3.0, -2.0), rest, rest]);
    let out = run(matvec::<Complex64>, &a, &v, &[1, 2, 2], &[0, 0, 0, 32, 16, 16, 16]);
    assert_eq!(out, [c(0.0, 2.0), c(3.0, 2.0), rest, rest]);
    let out = run(vecmat::<Complex64>, &v, &a, &[1, 2, 2], &[0, 0, 0, 16, 32, 16, 16]);
    assert_eq!(out, [c(2.0, -1.0), c(4.0, 0.0), rest, rest]);
    // The transpose of a on the left.
    let out = run(matmul::<Complex64>, &a, &a, &[1, 2, 2, 2], &[0, 0, 0, 16, 32, 32, 16, 32, 16]);
    assert_eq!(out, [c(5.0, 0.0), c(6.0, 1.0), c(6.0, 1.0), c(8.0, 0.0)]);
}

#[test]
fn padding_raises_nothing() {
    let a = [f64::INFINITY; 81];
    let mut out = [0.0; 81];
    let strides = [72, 8];
    let p = Product {
        m: 9,
        k: 9,
        n: 9,
        a: a.as_ptr().cast(),
        a_strides: strides,
        b: a.as_ptr().cast(),
        b_strides: strides,
        out: out.as_mut_ptr().cast(),
        out_strides: strides,
    };
    fpstatus::clear();
    // SAFETY: the arrays' own elements.
    unsafe { matmul_fn(TypeNum::DOUBLE).expect("a product")(&p) };
    assert_eq!(fpstatus::take(), 0);
    assert_eq!(out, a);
}

#[test]
fn inner_products() {
    let (a, b) = ([Complex64::new(1.0, 2.0)], [Complex64::new(3.0, -1.0)]);
    let mut out = Complex64::new(0.0, 0.0);
    let run = |f: Option<DotFn>, out: &mut Complex64| {
        // SAFETY: one element each.
        unsafe {
            let out: *mut Complex64 = out;
            f.expect("a product")(a.as_ptr().cast(), 16, b.as_ptr().cast(), 16, out.cast(), 1)
        }
    };
    run(dot_fn(TypeNum::CDOUBLE), &mut out);
    assert_eq!(out, Complex64::new(5.0, 5.0));
    run(vdot_fn(TypeNum::CDOUBLE), &mut out);
    assert_eq!(out, Complex64::new(1.0, -7.0));
    let bytes = [0u8, 2, 0];
    let mut any = 7u8;
    // SAFETY: three bytes each.
    unsafe { dot_fn(TypeNum::BOOL).expect("a product")(bytes.as_ptr(), 1, bytes.as_ptr(), 1, &mut any, 3) };
    assert_eq!(any, 1);
}

#[test]
fn threads_share_large_products() {
    crate::threads::set_num_threads(3);
    for sizes in [[2100, 64, 190], [190, 64, 2100]] {
        check::<f32>(TypeNum::FLOAT, |x| x as f32, |x| x as i64, sizes);
        check::<Complex64>(TypeNum::CDOUBLE, |x| Complex64::new(x as f64, 0.0), |x| x.re as i64, sizes);
    }
}

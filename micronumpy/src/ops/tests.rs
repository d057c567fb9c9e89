#![allow(clippy::undocumented_unsafe_blocks)]

use super::*;
use crate::array::Order;
use crate::dtype::typestr::parse;
use take::Mode;
use ufuncs::sort::{Side, SortKind};

fn ints(shape: &[isize], values: &[isize]) -> NdArray {
    let a = NdArray::empty(shape, &Dtype::intp(), Order::C).unwrap();
    for (i, v) in values.iter().enumerate() {
        // SAFETY: the array was made with room for these values.
        unsafe { a.data().cast::<isize>().add(i).write(*v) };
    }
    a
}

fn arange(shape: &[isize]) -> NdArray {
    let n = shape.iter().product();
    ints(shape, &(0..n).collect::<Vec<_>>())
}

fn values(a: &ArrayRef<'_>) -> Vec<isize> {
    take::positions(a).unwrap()
}

fn zeros(shape: &[isize]) -> NdArray {
    NdArray::zeros(shape, &Dtype::intp(), Order::C).unwrap()
}

/// The transposed view of a 2-d array.
fn transposed(a: &NdArray) -> (Vec<isize>, Vec<isize>) {
    (a.shape.iter().rev().copied().collect(), a.strides.iter().rev().copied().collect())
}

#[test]
fn take_and_repeat() {
    let a = arange(&[2, 3]);
    let out = zeros(&[2, 2]);
    take::take(&a.view(), &ints(&[2], &[2, -3]).view(), 1, Mode::Raise, &out.view()).unwrap();
    assert_eq!(values(&out.view()), [2, 0, 5, 3]);
    let e = take::take(&a.view(), &ints(&[2], &[0, 3]).view(), 1, Mode::Raise, &out.view()).unwrap_err();
    assert_eq!(e.to_string(), "index 3 is out of bounds for axis 1 with size 3");
    let (counts, n) = take::repeat_counts(&ints(&[2], &[1, 2]).view(), 2).unwrap();
    let out = zeros(&[n, 3]);
    take::repeat(&a.view(), &counts, 0, &out.view()).unwrap();
    assert_eq!(values(&out.view()), [0, 1, 2, 3, 4, 5, 3, 4, 5]);
}

#[test]
fn put_place_choose() {
    let a = arange(&[2, 3]);
    take::put(&a.view(), &ints(&[3], &[-1, 7, 0]).view(), &ints(&[2], &[9, 8]).view(), Mode::Wrap).unwrap();
    assert_eq!(values(&a.view()), [9, 8, 2, 3, 4, 9]);
    let mask = ints(&[2, 3], &[1, 0, 1, 0, 1, 0]);
    take::place(&a.view(), &mask.view(), &ints(&[2], &[10, 20]).view()).unwrap();
    assert_eq!(values(&a.view()), [10, 8, 20, 3, 10, 9]);
    take::putmask(&a.view(), &mask.view(), &ints(&[2], &[1, 2]).view()).unwrap();
    assert_eq!(values(&a.view()), [1, 8, 1, 3, 1, 9]);
    let out = zeros(&[3]);
    let (x, y) = (ints(&[3], &[1, 2, 3]), ints(&[1], &[7]));
    let sel = ints(&[3], &[0, 1, 0]);
    take::choose(&sel.view(), &[x.view(), y.view()], Mode::Raise, &out.view()).unwrap();
    assert_eq!(values(&out.view()), [1, 7, 3]);
}

#[test]
fn joins() {
    let (a, b) = (arange(&[2, 2]), arange(&[2, 1]));
    let shape = join::concatenate_shape(&[&a.shape, &b.shape], 1).unwrap();
    let out = zeros(&shape);
    join::concatenate(&[a.view(), b.view()], 1, &out.view(), |_| Ok(())).unwrap();
    assert_eq!(values(&out.view()), [0, 1, 0, 2, 3, 1]);
    let flat = zeros(&[6]);
    join::concatenate_flat(&[a.view(), b.view()], &flat.view(), true, |_| Ok(())).unwrap();
    assert_eq!(values(&flat.view()), [0, 2, 1, 3, 0, 1]);
    assert!(
        join::concatenate_shape(&[&[2, 3], &[3]], 0).unwrap_err().to_string().contains("index 1 has 1 dim")
    );
}

#[test]
fn sorting() {
    let a = ints(&[2, 3], &[3, 1, 2, 9, 7, 8]);
    let out = zeros(&[2, 3]);
    sort::argsort(&a.view(), 1, SortKind::Stable, &out.view()).unwrap();
    assert_eq!(values(&out.view()), [1, 2, 0, 1, 2, 0]);
    let (sh, st) = transposed(&a);
    let t = ArrayRef { shape: &sh, strides: &st, ..a.view() };
    sort::sort(&t, 0, SortKind::Quick).unwrap();
    assert_eq!(values(&a.view()), [1, 2, 3, 7, 8, 9]);
    let dt = parse(">i2").unwrap();
    let big = NdArray::empty(&[3], &dt, Order::C).unwrap();
    crate::cast::copy_into(&big.view(), &ints(&[3], &[300, -1, 5]).view()).unwrap();
    sort::sort(&big.view(), 0, SortKind::Stable).unwrap();
    assert_eq!(values(&big.view()), [-1, 5, 300]);
    let out = zeros(&[3]);
    let keys = [ints(&[3], &[1, 0, 1]), ints(&[3], &[5, 5, 0])];
    sort::lexsort(&[keys[0].view(), keys[1].view()], 0, &out.view()).unwrap();
    assert_eq!(values(&out.view()), [2, 1, 0]);
    let intp = Dtype::intp();
    let hay = ints(&[3], &[1, 3, 3]);
    sort::searchsorted(&hay.view(), &ints(&[3], &[3, 0, 9]).view(), &intp, Side::Right, None, &out.view())
        .unwrap();
    assert_eq!(values(&out.view()), [3, 0, 3]);
}

#[test]
fn truth_and_extremes() {
    let a = ints(&[2, 3], &[0, 1, 0, 2, 0, 3]);
    assert_eq!(select::count_nonzero(&a.view()).unwrap(), 3);
    assert_eq!(values(&select::nonzero(&a.view()).unwrap().view()), [0, 1, 1, 0, 1, 2]);
    let out = zeros(&[3]);
    select::argmax(&a.view(), 0, false, &out.view()).unwrap();
    assert_eq!(values(&out.view()), [1, 0, 1]);
    let out = zeros(&[2, 3]);
    let (x, y) = (ints(&[], &[5]), arange(&[3]));
    select::where_(&a.view(), &x.view(), &y.view(), &out.view()).unwrap();
    assert_eq!(values(&out.view()), [0, 5, 2, 5, 1, 5]);
}

#[test]
fn counting() {
    let w = count::bincount(&ints(&[3], &[1, 3, 1]).view(), None, 0).unwrap();
    assert_eq!(values(&w.view()), [0, 2, 0, 1]);
    let flat = zeros(&[2]);
    let c = [ints(&[2], &[0, 1]), ints(&[2], &[2, 1])];
    count::ravel_multi_index(&[c[0].view(), c[1].view()], &[2, 3], &[Mode::Raise; 2], false, &flat.view())
        .unwrap();
    assert_eq!(values(&flat.view()), [2, 4]);
    let back = count::unravel_index(&flat.view(), &[2, 3], false).unwrap();
    assert_eq!(values(&back.view()), [0, 2, 1, 1]);
    let bits = NdArray::zeros(&[2], &parse("u1").unwrap(), Order::C).unwrap();
    count::packbits(&ints(&[9], &[1, 0, 0, 0, 0, 0, 0, 1, 1]).view(), 0, false, &bits.view()).unwrap();
    assert_eq!(values(&bits.view()), [0x81, 0x80]);
    let plain = NdArray::zeros(&[10], &parse("u1").unwrap(), Order::C).unwrap();
    count::unpackbits(&bits.view(), 0, false, &plain.view()).unwrap();
    assert_eq!(values(&plain.view()), [1, 0, 0, 0, 0, 0, 0, 1, 1, 0]);
}

#[test]
fn products() {
    let (a, b) = (arange(&[2, 3]), arange(&[3, 2]));
    let out = zeros(&[2, 2]);
    product::dot(&a.view(), &b.view(), &out.view()).unwrap();
    assert_eq!(values(&out.view()), [10, 13, 28, 40]);
    let v = ints(&[3], &[1, 2, 3]);
    let out = zeros(&[2]);
    product::inner(&a.view(), &v.view(), &out.view()).unwrap();
    assert_eq!(values(&out.view()), [8, 26]);
    let cube = arange(&[2, 2, 3]);
    let out = zeros(&product::dot_shape(&cube.shape, &[2, 3, 2]).unwrap());
    product::dot(&cube.view(), &arange(&[2, 3, 2]).view(), &out.view()).unwrap();
    assert_eq!(values(&out.view())[..4], [10, 13, 28, 31]);
    let scalar = ints(&[], &[2]);
    let out = zeros(&[3]);
    product::dot(&scalar.view(), &v.view(), &out.view()).unwrap();
    assert_eq!(values(&out.view()), [2, 4, 6]);
    let e = product::dot_shape(&[2, 3], &[4]).unwrap_err();
    assert_eq!(e.to_string(), "shapes (2,3) and (4,) not aligned: 3 (dim 1) != 4 (dim 0)");
    use product::Overlaps::{Full, Same, Valid};
    for (mode, want) in [(Full, vec![3, 8, 14, 8, 3]), (Same, vec![8, 14, 8]), (Valid, vec![14])] {
        let r = product::correlate(&v.view(), &v.view(), &Dtype::intp(), mode, false, false).unwrap();
        assert_eq!(values(&r.view()), want);
    }
    let two = ints(&[2], &[1, 2]);
    let r = product::correlate(&two.view(), &v.view(), &Dtype::intp(), Full, false, true).unwrap();
    assert_eq!(values(&r.view()), [3, 8, 5, 2]);
}

fn sum(subscripts: &str, ops: &[&NdArray], want_shape: &[isize], want: &[isize]) {
    let views: Vec<ArrayRef<'_>> = ops.iter().map(|o| o.view()).collect();
    let ndims: Vec<usize> = views.iter().map(|v| v.ndim()).collect();
    let plan = einsum::parse(subscripts, &ndims).unwrap();
    let layout = plan.layout(&views, None).unwrap();
    assert_eq!(layout.out_shape(), want_shape, "{subscripts}");
    let out = zeros(layout.out_shape());
    einsum::einsum(&plan, &views, &out.view()).unwrap();
    assert_eq!(values(&out.view()), want, "{subscripts}");
}

#[test]
fn einstein() {
    let (a, b, v) = (arange(&[2, 3]), arange(&[3, 2]), arange(&[3]));
    let s = arange(&[3, 3]);
    sum("ij", &[&a], &[2, 3], &[0, 1, 2, 3, 4, 5]);
    sum("ji", &[&a], &[3, 2], &[0, 3, 1, 4, 2, 5]);
    sum("ii", &[&s], &[], &[12]);
    sum("ii->i", &[&s], &[3], &[0, 4, 8]);
    sum("ij,jk", &[&a, &b], &[2, 2], &[10, 13, 28, 40]);
    sum("ij,jk->ki", &[&a, &b], &[2, 2], &[10, 28, 13, 40]);
    sum("ij,j->ij", &[&a, &v], &[2, 3], &[0, 1, 4, 0, 4, 10]);
    sum("i,i,i->", &[&v, &v, &v], &[], &[9]);
    sum("...j->...", &[&a], &[2], &[3, 12]);
    sum("i...->...", &[&a], &[3], &[3, 5, 7]);
    sum("ij->", &[&a], &[], &[15]);
    sum(
        "i,j,k->ijk",
        &[&ints(&[2], &[1, 2]), &ints(&[1], &[3]), &ints(&[2], &[5, 7])],
        &[2, 1, 2],
        &[15, 21, 30, 42],
    );
    for (text, ndims, want) in [
        ("i", &[2][..], "operand has more dimensions"),
        ("ijk", &[2], "too many subscripts for operand 0"),
        ("i->j", &[1], "output subscript 'j' which never appeared"),
        ("i->ii", &[1], "output subscript 'i' multiple times"),
        ("i..", &[1], "contains a '.' that is not part of an ellipsis ('...') in operand 0"),
        ("i-", &[1], "does not contain proper '->' output"),
        ("i,j", &[1], "more operands provided"),
    ] {
        let got = einsum::parse(text, ndims).unwrap_err().to_string();
        assert!(got.contains(want), "{text}: {got}");
    }
}

#[test]
fn filling() {
    for t in ["i1", "u8", "f2", "f4", "d", "g", "F", "D", "m8[s]"] {
        let a = NdArray::zeros(&[5], &parse(t).unwrap(), Order::C).unwrap();
        let two = ints(&[2], &[1, 4]);
        let head = ArrayRef { shape: &[2], ..a.view() };
        crate::cast::copy_into(&head, &two.view()).unwrap();
        fill::progression(&a.view()).unwrap();
        assert_eq!(values(&a.view()), [1, 4, 7, 10, 13], "{t}");
    }
    let a = ints(&[1], &[1]);
    fill::byteswap(&a.view());
    assert_eq!(values(&a.view()), [1 << 56]);
}

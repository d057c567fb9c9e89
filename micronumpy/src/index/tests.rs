#![allow(clippy::undocumented_unsafe_blocks)]

use super::*;
use crate::array::{NdArray, Order, contiguous_strides};
use crate::dtype::Dtype;

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

const ALL: Item<'_> = Item::Slice { start: None, stop: None, step: None };

fn values(a: &NdArray) -> Vec<isize> {
    let c = NdArray::copy_of(&a.view(), Order::C).unwrap();
    // SAFETY: a C-contiguous copy with as many elements.
    (0..c.shape.iter().product()).map(|i| unsafe { c.data().cast::<isize>().offset(i).read() }).collect()
}

fn check(shape: &[isize], items: &[Item<'_>], want_shape: &[isize], want_strides: &[isize], want: &[isize]) {
    let a = arange(shape);
    match plan(&a.shape, &a.strides, items).unwrap() {
        Plan::View(v) => {
            assert_eq!((&v.shape[..], &v.strides[..]), (want_shape, want_strides));
            // SAFETY: a plan made for this array stays inside it.
            let view = unsafe { ArrayRef::new(a.data().offset(v.offset), &v.shape, &v.strides, &a.dtype) };
            assert_eq!(values(&NdArray::copy_of(&view, Order::C).unwrap()), want);
        }
        Plan::Fancy(f) => {
            // SAFETY: as above.
            let r = unsafe { f.take(a.data(), &a.dtype).unwrap() };
            assert_eq!((&r.shape[..], &r.strides[..]), (want_shape, want_strides));
            assert_eq!(values(&r), want);
            assert_eq!(f.element_offsets().unwrap().iter().map(|o| o / 8).collect::<Vec<_>>(), want);
        }
        Plan::Mask(m) => {
            // SAFETY: a plan made for this array stays inside it.
            let r = unsafe { m.take(a.data(), &a.dtype).unwrap() };
            assert_eq!(values(&r), want);
        }
    }
}

fn error(shape: &[isize], items: &[Item<'_>], want: &str) {
    let st = contiguous_strides(shape, 8, false);
    assert_eq!(plan(shape, &st, items).unwrap_err().to_string(), want);
}

#[test]
fn views() {
    check(&[2, 3], &[Item::Int(-1)], &[3], &[8], &[3, 4, 5]);
    let rev = || Item::Slice { start: None, stop: None, step: Some(-1) };
    check(&[2, 3], &[Item::Ellipsis, rev()], &[2, 3], &[24, -8], &[2, 1, 0, 5, 4, 3]);
    check(&[3], &[Item::NewAxis, ALL], &[1, 3], &[0, 8], &[0, 1, 2]);
    // Without an element the step is 1.
    check(&[0, 2], &[rev(), ALL], &[0, 2], &[16, 8], &[]);
    error(&[2, 3], &[Item::Int(3)], "index 3 is out of bounds for axis 0 with size 2");
    error(
        &[2],
        &[Item::Int(0), ALL],
        "too many indices for array: array is 1-dimensional, but 2 were indexed",
    );
}

#[test]
fn fancy_dimensions_move() {
    let i = ints(&[2], &[0, 1]);
    let a = Item::IntArray(i.view());
    check(&[2, 3, 4], &[a, ALL, a], &[2, 3], &[24, 8], &[0, 4, 8, 13, 17, 21]);
    check(&[2, 3, 4], &[ALL, a, a], &[2, 2], &[8, 16], &[0, 5, 12, 17]);
    check(&[2, 3, 4], &[a, Item::NewAxis, a], &[2, 1, 4], &[32, 8, 8], &[0, 1, 2, 3, 16, 17, 18, 19]);
    check(&[2, 3, 2], &[Item::Int(1), ALL, a], &[2, 3], &[24, 8], &[6, 8, 10, 7, 9, 11]);
    check(&[2, 2], &[Item::Bool(true)], &[1, 2, 2], &[32, 16, 8], &[0, 1, 2, 3]);
    let three = ints(&[3], &[0, 1, 2]);
    error(
        &[2, 3],
        &[a, Item::IntArray(three.view())],
        "shape mismatch: indexing arrays could not be broadcast together with shapes (2,) (3,) ",
    );
}

#[test]
fn masks() {
    let m = NdArray::zeros(&[2, 2], &Dtype::bool(), Order::C).unwrap();
    // SAFETY: two of four bools.
    unsafe {
        m.data().add(1).write(1);
        m.data().add(2).write(1);
    }
    let item = Item::BoolArray(m.view());
    check(&[2, 2], &[item], &[2], &[8], &[1, 2]);
    check(&[2, 2, 2], &[item], &[2, 2], &[16, 8], &[2, 3, 4, 5]);
    error(
        &[2, 3],
        &[item],
        "boolean index did not match indexed array along axis 1; size of axis is 3 but size of corresponding \
         boolean axis is 2",
    );
}

#[test]
fn scatter_keeps_last() {
    let a = arange(&[4]);
    let i = ints(&[3], &[1, 1, -1]);
    let v = ints(&[3], &[7, 8, 9]);
    let Plan::Fancy(f) = plan(&a.shape, &a.strides, &[Item::IntArray(i.view())]).unwrap() else { panic!() };
    // SAFETY: the plan was made for this array.
    unsafe { f.scatter(&a.view(), &v.view()).unwrap() };
    assert_eq!(values(&a), [0, 8, 2, 9]);
    // SAFETY: as above.
    let e = unsafe { f.scatter(&a.view(), &arange(&[2]).view()) }.unwrap_err();
    assert_eq!(
        e.to_string(),
        "shape mismatch: value array of shape (2,) could not be broadcast to indexing result of shape (3,)"
    );
}

#[test]
fn slices_follow_python() {
    for (n, s, want) in [
        (5, (None, None, Some(2)), (0, 2, 3)),
        (5, (None, None, Some(-2)), (4, -2, 3)),
        (5, (Some(-100), Some(100), None), (0, 1, 5)),
        (5, (Some(3), Some(1), None), (3, 1, 0)),
        (0, (None, None, Some(-1)), (-1, -1, 0)),
        (5, (Some(-2), None, Some(isize::MIN)), (3, -isize::MAX, 1)),
    ] {
        assert_eq!(slice_indices(s.0, s.1, s.2, n).unwrap(), want);
    }
}

#[test]
fn rows_are_what_a_plan_selects() {
    let positions: Vec<isize> = (0..30).map(|i| (i * 7) % 10 - 5).collect();
    for shape in [&[5][..], &[5, 3], &[5, 2, 2]] {
        let (a, index) = (arange(shape), ints(&[10, 3], &positions));
        let (view, at) = (a.view(), index.view());
        let rows = Rows::new(&view, &at).expect("contiguous rows").unwrap();
        let Plan::Fancy(f) = plan(&a.shape, &a.strides, &[Item::IntArray(at)]).unwrap() else { panic!() };
        // SAFETY: a plan made for this array; as much room as the plan takes.
        let (want, got) = unsafe {
            let want = f.take(a.data(), &a.dtype).unwrap();
            let got = NdArray::empty(&want.shape, &a.dtype, Order::C).unwrap();
            rows.take(got.data());
            (want, got)
        };
        assert_eq!(values(&got), values(&want));
        // Rows put back where they came from change nothing; what is no row of rows is left to the plan.
        let before = values(&a);
        assert!(rows.put(&view, &at, &got.view()));
        assert_eq!(values(&a), before);
        assert!(!rows.put(&view, &at, &arange(&[3]).view()));
        assert!(!rows.put(&view, &at, &view));
    }
}

#[test]
fn rows_that_take_a_plan() {
    let (a, swapped) = (arange(&[4, 3]), ints(&[1], &[0]));
    let columns = View { offset: 0, shape: Dims::from_slice(&[3, 4]), strides: Dims::from_slice(&[8, 24]) };
    // SAFETY: the same elements, transposed.
    let turned = unsafe { ArrayRef::new(a.data(), &columns.shape, &columns.strides, &a.dtype) };
    assert!(Rows::new(&turned, &swapped.view()).is_none());
    let other = Dtype::intp().with_byteorder(b'>');
    // SAFETY: bytes of a number are a number in any order.
    let foreign = unsafe { ArrayRef::new(swapped.data(), &[1], &[8], &other) };
    assert!(Rows::new(&a.view(), &foreign).is_none());
    let outside = ints(&[3], &[0, -5, 4]);
    let text = match Rows::new(&a.view(), &outside.view()) {
        Some(Err(e)) => e.to_string(),
        _ => String::new(),
    };
    assert_eq!(text, "index -5 is out of bounds for axis 0 with size 4");
}

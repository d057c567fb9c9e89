#![allow(clippy::undocumented_unsafe_blocks)]

use super::*;
use crate::array::{ArrayRef, NdArray, Order};
use crate::dtype::{Dtype, TypeNum, typestr::parse};

fn ints(shape: &[isize], values: &[i64]) -> NdArray {
    let a = NdArray::empty(shape, &Dtype::intp(), Order::C).unwrap();
    for (i, v) in values.iter().enumerate() {
        // SAFETY: the array was made with room for these values.
        unsafe { a.data().cast::<i64>().add(i).write(*v) };
    }
    a
}

fn bytes(a: &NdArray) -> Vec<u8> {
    let n = a.shape.iter().product::<isize>() as usize * a.dtype.itemsize;
    // SAFETY: a contiguous array of `n` bytes.
    unsafe { std::slice::from_raw_parts(a.data(), n).to_vec() }
}

fn cast(values: &[i64], to: &str) -> Vec<u8> {
    let src = ints(&[values.len() as isize], values);
    let dst = NdArray::zeros(&[values.len() as isize], &parse(to).unwrap(), Order::C).unwrap();
    copy_into(&dst.view(), &src.view()).unwrap();
    bytes(&dst)
}

#[test]
fn casts_of_numbers() {
    assert_eq!(cast(&[1, -2], "i1"), [1, 0xfe]);
    assert_eq!(cast(&[1, 258], ">i2"), [0, 1, 1, 2]);
    assert_eq!(cast(&[-5, 300], "S3"), *b"-5\x00300");
    assert_eq!(cast(&[1], "V10"), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(cast(&[3], ">f8"), 3f64.to_be_bytes());
    assert_eq!(cast(&[0, 7], "?"), [0, 1]);
}

#[test]
fn text_round_trip() {
    let src = ints(&[3], &[1, -20, 300]);
    let mid = NdArray::empty(&[3], &parse(">U21").unwrap(), Order::C).unwrap();
    copy_into(&mid.view(), &src.view()).unwrap();
    let dst = NdArray::empty(&[3], &parse("f4").unwrap(), Order::C).unwrap();
    copy_into(&dst.view(), &mid.view()).unwrap();
    assert_eq!(bytes(&dst), [1f32, -20., 300.].map(f32::to_ne_bytes).concat());
}

#[test]
fn broadcast_and_overlap() {
    let a = ints(&[2, 3], &[0, 1, 2, 3, 4, 5]);
    let row = ints(&[3], &[7, 8, 9]);
    copy_into(&a.view(), &row.view()).unwrap();
    assert_eq!(bytes(&a)[24..], bytes(&row));
    let v = ints(&[5], &[1, 2, 3, 4, 5]);
    let (sh, st) = ([4], [8]);
    // SAFETY: four of the five elements, from the second on.
    let dst = unsafe { ArrayRef::new(v.data().add(8), &sh, &st, &v.dtype) };
    // SAFETY: the first four of the five elements.
    let src = unsafe { ArrayRef::new(v.data(), &sh, &st, &v.dtype) };
    copy_into(&dst, &src).unwrap();
    assert_eq!(bytes(&v), [1i64, 1, 2, 3, 4].map(i64::to_ne_bytes).concat());
    let e = copy_into(&ints(&[2], &[0, 0]).view(), &row.view()).unwrap_err();
    assert_eq!(e.to_string(), "could not broadcast input array from shape (3,) into shape (2,)");
}

#[test]
fn masks() {
    let a = ints(&[4], &[0, 1, 2, 3]);
    let m = NdArray::zeros(&[4], &Dtype::bool(), Order::C).unwrap();
    // SAFETY: the third of four bools.
    unsafe { *m.data().add(2) = 1 };
    let v = ints(&[], &[9]);
    copy_masked(&a.view(), &v.view(), &m.view()).unwrap();
    assert_eq!(bytes(&a), [0i64, 1, 9, 3].map(i64::to_ne_bytes).concat());
}

#[test]
fn dates() {
    let src = NdArray::zeros(&[2], &parse("M8[D]").unwrap(), Order::C).unwrap();
    // SAFETY: the second of two dates, which are aligned `i64`s.
    unsafe { src.data().cast::<i64>().add(1).write(11016) };
    let text = NdArray::zeros(&[2], &parse("S10").unwrap(), Order::C).unwrap();
    copy_into(&text.view(), &src.view()).unwrap();
    assert_eq!(bytes(&text), *b"1970-01-012000-02-29");
    let back = NdArray::zeros(&[2], &parse(">M8[h]").unwrap(), Order::C).unwrap();
    copy_into(&back.view(), &text.view()).unwrap();
    assert_eq!(bytes(&back)[8..], (11016i64 * 24).to_be_bytes());
}

/// `value` (packed int32 items) as field of one dtype, cast to a field of another; result as int64 items.
fn subarrays(from: &[isize], to: &[isize], values: &[i32]) -> Vec<i64> {
    use crate::dtype::{NewField, struct_of, subarray_of};
    let field = |t: &str, shape: &[isize]| {
        let dtype = subarray_of(&parse(t).unwrap(), shape).unwrap();
        struct_of(vec![NewField { name: "a".into(), dtype, title: None }], false).unwrap()
    };
    let (a, b) = (field("i4", from), field("i8", to));
    let src = NdArray::zeros(&[1], &a, Order::C).unwrap();
    for (i, v) in values.iter().enumerate() {
        // SAFETY: the values are the items of the one element's field.
        unsafe { src.data().cast::<i32>().add(i).write(*v) };
    }
    let dst = NdArray::empty(&[1], &b, Order::C).unwrap();
    copy_into(&dst.view(), &src.view()).unwrap();
    bytes(&dst).chunks(8).map(|c| i64::from_ne_bytes(c.try_into().unwrap())).collect()
}

#[test]
fn subarrays_are_matched_from_the_right() {
    assert_eq!(subarrays(&[2], &[2], &[1, 2]), [1, 2]);
    assert_eq!(subarrays(&[2], &[2, 1], &[1, 2]), [1, 1]);
    assert_eq!(subarrays(&[2], &[3], &[1, 2]), [1, 2, 0]);
    assert_eq!(subarrays(&[2], &[], &[1, 2]), [1]);
    assert_eq!(subarrays(&[1], &[3], &[1]), [1, 1, 1]);
    assert_eq!(subarrays(&[], &[3], &[7]), [7, 7, 7]);
    assert_eq!(subarrays(&[2, 2], &[2, 1], &[1, 2, 3, 4]), [1, 3]);
    assert_eq!(subarrays(&[2], &[3, 2], &[1, 2]), [1, 2, 1, 2, 1, 2]);
    assert_eq!(subarrays(&[2, 2], &[3], &[1, 2, 3, 4]), [1, 2, 0]);
    assert_eq!(subarrays(&[2, 3], &[2, 2], &[1, 2, 3, 3, 4, 5]), [1, 2, 3, 4]);
}

#[test]
fn same_value_checks() {
    let src = ints(&[2], &[1, 300]);
    for (t, want) in [("i2", None), ("i1", Some("could not cast 'same_value' long to byte")), (">f8", None)] {
        let dst = NdArray::empty(&[2], &parse(t).unwrap(), Order::C).unwrap();
        let got = copy_into_same_value(&dst.view(), &src.view()).err().map(|e| e.to_string());
        assert_eq!(got.as_deref(), want, "{t}");
    }
}

#[test]
fn equal_date_dtypes_are_the_same_bytes() {
    use crate::dtype::{DatetimeMeta, equivalent};
    for num in [TypeNum::DATETIME, TypeNum::TIMEDELTA] {
        for unit in [0, 4, 7, 14] {
            let (a, b) = (
                Dtype::datetime(num, DatetimeMeta { unit, num: 1 }),
                Dtype::datetime(num, DatetimeMeta { unit, num: 1 }),
            );
            assert_eq!(crate::cast::cast_level(&a, &b), Some(Casting::No));
            assert!(equivalent(&a, &b), "{a:?} {b:?}");
            assert!(crate::ufunc::exec::same_bytes(&a, &b), "{a:?} {b:?}");
        }
    }
}

use super::*;

fn order(strides: &[&[isize]]) -> Vec<usize> {
    axis_order(strides[0].len(), strides).to_vec()
}

#[test]
fn axis_order_follows_memory() {
    assert_eq!(order(&[&[24, 8]]), [0, 1]);
    assert_eq!(order(&[&[8, 24]]), [1, 0]);
    assert_eq!(order(&[&[8, 0, 24]]), [1, 2, 0]);
    // Disagreement keeps C order.
    assert_eq!(order(&[&[24, 8], &[8, 16]]), [0, 1]);
    assert_eq!(order(&[&[8, 16, 32], &[0, 0, 0]]), [2, 1, 0]);
    assert_eq!(order(&[&[8, 16, 32, 4]]), [2, 1, 0, 3]);
}

#[test]
fn plans_merge_axes() {
    let p = AxisPlan::new(&[2, 3, 4], &[&[96, 32, 8], &[96, 32, 8]]);
    assert_eq!((p.shape.as_slice(), p.strides.as_slice()), (&[24][..], &[8, 8][..]));
    let p = AxisPlan::new(&[2, 3], &[&[8, 16], &[8, 16]]);
    assert_eq!(p.shape.as_slice(), [6]);
    let p = AxisPlan::new(&[2, 3], &[&[24, 8], &[0, 8]]);
    assert_eq!((p.shape.as_slice(), p.strides.as_slice()), (&[2, 3][..], &[24, 0, 8, 8][..]));
    // What was made for the walk goes the way of what was given, over several axes.
    let p = AxisPlan::by_given(&[2, 3], &[&[-24, -8], &[24, 8]], |i| i == 0);
    assert_eq!((p.strides.as_slice(), p.offsets.as_slice()), (&[8, -8][..], &[-40, 40][..]));
    let p = AxisPlan::by_given(&[6], &[&[-8], &[8]], |i| i == 0);
    assert_eq!((p.strides.as_slice(), p.offsets.as_slice()), (&[-8, 8][..], &[0, 0][..]));
    let p = AxisPlan::new(&[3, 2], &[&[-16, -8]]);
    assert_eq!((p.shape.as_slice(), p.offsets.as_slice()), (&[6][..], &[-40][..]));
}

#[test]
fn iteration_visits_everything() {
    let mut data = [0i64; 24];
    let (a, b) = ([8isize, 48, 16], [0isize, 0, 8]);
    let base = data.as_mut_ptr().cast::<u8>();
    let mut it = MultiIter::from_plan(&AxisPlan::new(&[2, 4, 3], &[&a, &b]), &[base, base]);
    let mut seen = Vec::new();
    it.for_each(|p, n, st| {
        seen.extend((0..n as isize).map(|i| (p[0] as isize + i * st[0] - base as isize) / 8));
        Ok(())
    })
    .unwrap();
    seen.sort_unstable();
    assert_eq!(seen, (0..24).collect::<Vec<_>>());
}

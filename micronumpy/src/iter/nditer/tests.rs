use super::*;
use crate::Casting;
use crate::array::{NdArray, Order};
use crate::error::{Error, Result};

/// Allocates, and keeps what it allocated.
#[derive(Default)]
struct Keeper(Vec<NdArray>);

impl Keeper {
    fn keep(&mut self, dtype: &Dtype, shape: &[isize], strides: &[isize]) -> Result<Layout> {
        let arr = NdArray::zeros(shape, dtype, Order::C)?;
        let data = arr.data();
        self.0.push(arr);
        Ok(Layout { data, shape: shape.into(), strides: strides.into(), dtype: dtype.clone() })
    }
}

impl Host for Keeper {
    fn allocate(&mut self, _: usize, dt: &Dtype, n: &[isize], st: &[isize], _: bool) -> Result<Layout> {
        self.keep(dt, n, st)
    }
    fn replace(
        &mut self,
        _: usize,
        dt: &Dtype,
        n: &[isize],
        st: &[isize],
        _: bool,
        _: bool,
    ) -> Result<Layout> {
        self.keep(dt, n, st)
    }
    fn repr(&self, dt: &Dtype) -> String {
        format!("{:?}", dt.num)
    }
}

fn numbers(shape: &[isize]) -> NdArray {
    let arr = NdArray::zeros(shape, &Dtype::intp(), Order::C).unwrap();
    for i in 0..arr.view().size() {
        // SAFETY: a fresh contiguous array of that many elements.
        unsafe { arr.data().cast::<isize>().add(i).write(i as isize) };
    }
    arr
}

fn spec(arr: &NdArray, flags: u32) -> OpSpec<'static> {
    let array = Layout {
        data: arr.data(),
        shape: arr.shape[..].into(),
        strides: arr.strides[..].into(),
        dtype: arr.dtype.clone(),
    };
    OpSpec { array: Some(array), writeable: true, dtype: None, flags, axes: None }
}

fn request(flags: u32) -> Request<'static> {
    Request {
        flags,
        order: Order::Keep,
        casting: Casting::Unsafe,
        ndim: None,
        itershape: None,
        buffersize: 0,
    }
}

fn build(specs: Vec<OpSpec<'_>>, req: Request<'_>, host: &mut Keeper) -> Result<NdIter> {
    // SAFETY: the tests keep their arrays until the iterator has gone.
    unsafe { NdIter::new(specs, req, host) }
}

fn collect(it: &mut NdIter, op: usize) -> Vec<isize> {
    let mut out = vec![];
    loop {
        let (p, st) = (it.pointers()[op], it.inner_strides()[op]);
        for i in 0..it.inner_size() {
            // SAFETY: an element of an array of `isize`.
            out.push(unsafe { p.wrapping_offset(i * st).cast::<isize>().read() });
        }
        if !it.advance().unwrap() {
            return out;
        }
    }
}

#[test]
fn memory_order_whatever_the_strides() {
    let a = numbers(&[2, 3, 4]);
    for flags in [0, global::EXTERNAL_LOOP, global::BUFFERED, global::BUFFERED | global::EXTERNAL_LOOP] {
        let mut s = spec(&a, per_op::READONLY);
        let l = s.array.as_mut().unwrap();
        l.shape.reverse();
        l.strides.reverse();
        // The axis of length 4 backwards.
        l.data = l.data.wrapping_add(3 * 8);
        l.strides[0] = -8;
        let mut it = build(vec![s], request(flags), &mut Keeper::default()).unwrap();
        assert_eq!(it.ndim(), 1);
        assert_eq!(collect(&mut it, 0), (0..24).collect::<Vec<_>>());
    }
}

#[test]
fn buffers_cast_and_write_back() {
    let a = numbers(&[5, 4]);
    let mut s = spec(&a, per_op::READWRITE);
    s.dtype = Some(Dtype::float64());
    // Every other row.
    let l = s.array.as_mut().unwrap();
    l.shape[0] = 3;
    l.strides[0] = 64;
    let req = Request { buffersize: 7, ..request(global::BUFFERED) };
    let mut it = build(vec![s], req, &mut Keeper::default()).unwrap();
    loop {
        let p = it.pointers()[0].cast::<f64>();
        // SAFETY: an element of the buffer.
        unsafe { p.write(p.read() * 10.0) };
        if !it.advance().unwrap() {
            break;
        }
    }
    // SAFETY: the array's elements.
    let all = unsafe { std::slice::from_raw_parts(a.data().cast::<isize>(), 20) };
    assert_eq!(all[..8], [0, 10, 20, 30, 4, 5, 6, 7]);
    assert_eq!(all[16..], [160, 170, 180, 190]);
}

#[test]
fn reductions_share_elements() {
    let a = numbers(&[4, 3]);
    let axes = [[0, 1], [0, -1]];
    let mut host = Keeper::default();
    let specs = || {
        let out = OpSpec {
            array: None,
            writeable: true,
            dtype: Some(Dtype::float64()),
            flags: per_op::READWRITE | per_op::ALLOCATE,
            axes: Some(&axes[1]),
        };
        vec![OpSpec { axes: Some(&axes[0]), ..spec(&a, per_op::READONLY) }, out]
    };
    let req = Request { ndim: Some(2), ..request(global::BUFFERED | global::DELAY_BUFALLOC) };
    assert!(
        matches!(build(specs(), req, &mut host), Err(Error::Value(t)) if t.contains("requires a reduction"))
    );
    let flags = global::BUFFERED | global::DELAY_BUFALLOC | global::REDUCE_OK | global::EXTERNAL_LOOP;
    let mut it = build(specs(), Request { flags, buffersize: 7, ..req }, &mut host).unwrap();
    it.reset().unwrap();
    loop {
        assert_eq!((it.inner_size(), it.inner_strides()[1]), (3, 0));
        let (x, y) = (it.pointers()[0].cast::<isize>(), it.pointers()[1].cast::<f64>());
        for i in 0..3 {
            // SAFETY: elements of the operands.
            unsafe { *y += x.add(i).read() as f64 };
        }
        if !it.advance().unwrap() {
            break;
        }
    }
    let out = it.operands()[1].array.as_ref().unwrap();
    // SAFETY: four elements were allocated.
    assert_eq!(unsafe { std::slice::from_raw_parts(out.data.cast::<f64>(), 4) }, [3.0, 12.0, 21.0, 30.0]);
}

#[test]
fn indices_follow_the_caller() {
    let a = numbers(&[2, 3]);
    let mut s = spec(&a, per_op::READONLY);
    let l = s.array.as_mut().unwrap();
    l.data = l.data.wrapping_add(3 * 8);
    l.strides[0] = -24;
    let mut it =
        build(vec![s], request(global::MULTI_INDEX | global::C_INDEX), &mut Keeper::default()).unwrap();
    assert_eq!((it.multi_index()[..].to_vec(), it.tracked_index()), (vec![1, 0], Some(3)));
    it.goto_index(2).unwrap();
    assert_eq!((it.multi_index()[..].to_vec(), it.iterindex()), (vec![0, 2], 5));
    it.goto_multi_index(&[1, 1]).unwrap();
    assert_eq!((it.tracked_index(), it.iterindex()), (Some(4), 1));
    assert!(it.goto_multi_index(&[2, 0]).is_err());
}

//! Construction: the stages in order, each with its errors.

use super::axes::{broadcast_shape, operand_stride};
use super::buffer::Buffering;
use super::flags::{global, per_op, split_axis};
use super::{Axis, DtypeSource, Host, Layout, NdIter, Operand, Perm};
use crate::array::overlap::{Overlap, solve_internal_overlap, solve_may_share_memory};
use crate::array::{ArrayRef, MAXDIMS, Order, is_aligned};
use crate::cast::{Casting, can_cast, sized_for};
use crate::dtype::{Dtype, TypeOrWeak, equivalent, result_type};
use crate::error::{Error, Result};

/// One operand as the caller gives it.
#[derive(Clone)]
pub struct OpSpec<'a> {
    /// `None`: to be allocated, or virtual.
    pub array: Option<Layout>,
    pub writeable: bool,
    /// The dtype the loop wants; unsized string dtypes are sized for the array.
    pub dtype: Option<Dtype>,
    /// Flags of [`per_op`].
    pub flags: u32,
    /// For every axis of the iteration the operand's axis, or a negative number.
    pub axes: Option<&'a [i32]>,
}

/// What is asked of the iteration as a whole.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Flags of [`global`].
    pub flags: u32,
    pub order: Order,
    pub casting: Casting,
    /// Dimensions of `op_axes` and `itershape`, when there are any.
    pub ndim: Option<usize>,
    /// Negative entries are free.
    pub itershape: Option<&'a [isize]>,
    /// 0: the default.
    pub buffersize: isize,
}

fn value<T>(text: &str) -> Result<T> {
    Err(Error::value(text))
}

/// A casting level as messages show it.
fn quoted(casting: Casting) -> &'static str {
    match casting {
        Casting::No => "'no'",
        Casting::Equiv => "'equiv'",
        Casting::Safe => "'safe'",
        Casting::SameKind => "'same_kind'",
        Casting::Unsafe => "'unsafe'",
        Casting::SameValue => "'same_value'",
    }
}

fn as_ref(layout: &Layout) -> ArrayRef<'_> {
    ArrayRef { data: layout.data, shape: &layout.shape, strides: &layout.strides, dtype: &layout.dtype }
}

impl NdIter {
    /// Build an iterator. It stands at its first element, unless buffers are delayed.
    ///
    /// # Errors
    /// Everything numpy complains about, in its words.
    ///
    /// # Safety
    /// Every operand, also those made by `host`, describes memory that is valid for reading (writing, if so flagged) for
    /// as long as the iterator is used.
    pub unsafe fn new(mut specs: Vec<OpSpec<'_>>, req: Request<'_>, host: &mut dyn Host) -> Result<NdIter> {
        let flags = req.flags;
        check_axes(&specs, req.ndim)?;
        check_global(flags)?;
        let (mut ops, mask_op) = prepare_operands(&specs, flags)?;
        let ndim = req.ndim.unwrap_or_else(|| {
            specs.iter().filter_map(|s| s.array.as_ref()).map(|l| l.shape.len()).max().unwrap_or(0)
        });
        let shape = broadcast_shape(ndim, req.itershape, &specs)?;

        let nop = ops.len();
        let has_index = flags & (global::C_INDEX | global::F_INDEX) != 0;
        let columns = nop + usize::from(has_index);
        let mut strides = vec![0isize; ndim.max(1) * columns];
        for a in 0..ndim {
            for (i, (spec, op)) in specs.iter().zip(&mut ops).enumerate() {
                strides[a * columns + i] = operand_stride(spec, op, &shape, a, flags)?;
            }
        }
        let has_multi_index = flags & global::MULTI_INDEX != 0;
        let itersize = shape.iter().try_fold(1isize, |acc, &n| acc.checked_mul(n));
        if itersize.is_none() && !has_multi_index {
            return value("iterator is too large");
        }
        let mut axes: Vec<Axis> = shape.iter().rev().map(|&shape| Axis { shape, index: 0 }).collect();
        if axes.is_empty() {
            axes.push(Axis { shape: 1, index: 0 });
        }
        let reset = ops
            .iter()
            .map(|op| op.array.as_ref().map_or(std::ptr::null_mut(), |l| l.data))
            .chain(has_index.then_some(std::ptr::null_mut()))
            .collect();
        let reduce = ops.iter().any(|op| op.reduce);
        let mut it = NdIter {
            ndim,
            perm: (0..ndim).map(|axis| Perm { axis, flipped: false }).collect(),
            axes,
            strides,
            columns,
            reset,
            base_offsets: vec![0; columns],
            at: vec![std::ptr::null_mut(); columns],
            ops,
            mask_op,
            has_index,
            has_multi_index,
            external: flags & global::EXTERNAL_LOOP != 0,
            ranged: flags & global::RANGED != 0,
            reduce,
            grow_inner: flags & global::GROWINNER != 0,
            forced_order: false,
            needs_host: false,
            itersize,
            start: 0,
            end: itersize.unwrap_or(0),
            index: 0,
            buffering: None,
            inner_size: 1,
            inner_strides: Vec::new(),
        };
        it.check_masked_reductions()?;
        if has_index {
            it.add_index(flags & global::F_INDEX != 0);
        }
        it.order_axes(req.order, flags);
        it.choose_dtypes(&specs, flags)?;
        it.check_casting(req.casting, host)?;
        it.make_arrays(&mut specs, flags, host)?;
        for c in 0..columns {
            it.reset[c] = it.reset[c].wrapping_offset(it.base_offsets[c]);
        }
        if !has_multi_index && it.ndim > 1 {
            it.coalesce();
        }
        it.needs_host = it
            .ops
            .iter()
            .any(|op| op.dtype.has_object() || op.array.as_ref().is_some_and(|l| l.dtype.has_object()));
        it.update_inner();
        if flags & global::BUFFERED != 0 {
            it.buffering = Some(Box::new(Buffering::new(nop, req.buffersize)));
            it.plan_buffers();
            it.make_transfers()?;
            it.needs_host |= it.copies_text();
            it.restart_position();
            if flags & global::DELAY_BUFALLOC == 0 {
                it.allocate_buffers()?;
                it.reset()?;
            }
        } else {
            it.reset()?;
        }
        Ok(it)
    }

    /// A masked operand may repeat only where its mask does.
    fn check_masked_reductions(&self) -> Result<()> {
        let Some(mask) = self.mask_op else { return Ok(()) };
        for (i, _) in self.ops.iter().enumerate().filter(|(_, op)| op.write_masked && op.reduce) {
            if self.strides.chunks(self.columns).any(|row| row[mask] != 0 && row[i] == 0) {
                return value(
                    "Iterator reduction operand is WRITEMASKED, but also broadcasts to multiple mask values. There can \
                     be only one mask value per WRITEMASKED element.",
                );
            }
        }
        Ok(())
    }

    /// Loop dtypes that nobody asked for: one for all (`COMMON_DTYPE`), or one for outputs to allocate.
    fn choose_dtypes(&mut self, specs: &[OpSpec<'_>], flags: u32) -> Result<()> {
        let common = flags & global::COMMON_DTYPE != 0;
        let missing = |op: &Operand, spec: &OpSpec<'_>| op.array.is_none() && spec.dtype.is_none();
        if !common && !self.ops.iter().zip(specs).any(|(op, spec)| missing(op, spec)) {
            return Ok(());
        }
        let inputs: Vec<usize> = (0..self.nop())
            .filter(|&i| !missing(&self.ops[i], &specs[i]) && (common || self.ops[i].read))
            .collect();
        // Arrays without dimensions whose dtype nobody asked for come last.
        let is_value = |i: usize| {
            specs[i].dtype.is_none() && self.ops[i].array.as_ref().is_some_and(|a| a.shape.is_empty())
        };
        let (dtype, from) = match inputs[..] {
            [] => return Err(Error::type_("no arrays or types available to calculate result type")),
            // A single dtype is taken as it is, byte order included, unless it is that of a value.
            [one] if !is_value(one) => (self.ops[one].dtype.clone(), Some(one)),
            _ => {
                let (values, dtypes): (Vec<usize>, Vec<usize>) = inputs.iter().partition(|&&i| is_value(i));
                let types: Vec<_> =
                    dtypes.iter().chain(&values).map(|&i| TypeOrWeak::Dtype(&self.ops[i].dtype)).collect();
                (result_type(&types)?, None)
            }
        };
        for (i, (op, spec)) in self.ops.iter_mut().zip(specs).enumerate() {
            if missing(op, spec) || common && from != Some(i) {
                op.dtype = dtype.clone();
                op.source = DtypeSource::Computed;
            }
        }
        Ok(())
    }

    fn check_casting(&mut self, casting: Casting, host: &dyn Host) -> Result<()> {
        for (i, op) in self.ops.iter_mut().enumerate() {
            let Some(arr) = &op.array else { continue };
            if equivalent(&arr.dtype, &op.dtype) {
                continue;
            }
            let text = |d: &Dtype| host.repr(d);
            if op.read && !can_cast(&arr.dtype, &op.dtype, casting) {
                return Err(Error::type_(format!(
                    "Iterator operand {i} dtype could not be cast from {} to {} according to the rule {}",
                    text(&arr.dtype),
                    text(&op.dtype),
                    quoted(casting)
                )));
            }
            if op.write && !can_cast(&op.dtype, &arr.dtype, casting) {
                return Err(Error::type_(format!(
                    "Iterator requested dtype could not be cast from {} to {}, the operand {i} dtype, according to the \
                     rule {}",
                    text(&op.dtype),
                    text(&arr.dtype),
                    quoted(casting)
                )));
            }
            op.cast = true;
        }
        Ok(())
    }

    /// Written operands that overlap something that is read get a temporary.
    fn mark_overlaps(&mut self, specs: &[OpSpec<'_>]) {
        for i in 0..self.nop() {
            let (true, Some(arr)) = (self.ops[i].write, self.ops[i].array.clone()) else { continue };
            let overlaps = (0..self.nop()).any(|j| {
                let other = &self.ops[j];
                let Some(other_arr) =
                    other.array.as_ref().filter(|_| j != i && other.read && !other.force_copy)
                else {
                    return false;
                };
                let elementwise = specs[i].flags & specs[j].flags & per_op::OVERLAP_ASSUME_ELEMENTWISE != 0;
                let same = arr.data == other_arr.data
                    && arr.shape == other_arr.shape
                    && arr.strides == other_arr.strides
                    && equivalent(&arr.dtype, &other_arr.dtype);
                if elementwise && same && solve_internal_overlap(&as_ref(&arr), 1) == Overlap::No {
                    return false;
                }
                solve_may_share_memory(&as_ref(&arr), &as_ref(other_arr), 1) != Overlap::No
            });
            self.ops[i].force_copy |= overlaps;
        }
    }

    /// Allocate outputs, make permitted copies; what still needs a cast then needs buffering.
    fn make_arrays(&mut self, specs: &mut [OpSpec<'_>], flags: u32, host: &mut dyn Host) -> Result<()> {
        if flags & global::COPY_IF_OVERLAP != 0 {
            self.mark_overlaps(specs);
        }
        let buffered = flags & global::BUFFERED != 0;
        for (i, spec) in specs.iter_mut().enumerate() {
            let op = &self.ops[i];
            let Some(arr) = &op.array else {
                if op.is_virtual {
                    continue;
                }
                let (shape, strides) = self.temporary_layout(spec, op.dtype.itemsize, None)?;
                let dtype = op.dtype.clone();
                let subtype_ok = spec.flags & per_op::NO_SUBTYPE == 0;
                let new = host.allocate(i, &dtype, &shape, &strides, subtype_ok)?;
                self.set_operand_array(i, spec, new);
                self.check_contiguous(i, buffered)?;
                continue;
            };
            let scalar = op.cast && op.read && !op.write && arr.shape.is_empty();
            let may_copy = op.cast && spec.flags & (per_op::COPY | per_op::UPDATEIFCOPY) != 0;
            if scalar || may_copy || op.force_copy {
                let like = arr.shape.clone();
                let (shape, strides) = self.temporary_layout(spec, op.dtype.itemsize, Some(&like))?;
                let (dtype, read, write) = (op.dtype.clone(), op.read, op.write);
                let new = host.replace(i, &dtype, &shape, &strides, read, write)?;
                self.set_operand_array(i, spec, new);
                self.ops[i].cast = false;
                self.ops[i].source = match self.ops[i].source {
                    DtypeSource::Array => DtypeSource::Computed,
                    other => other,
                };
            } else if op.cast && !buffered {
                return Err(Error::type_(
                    "Iterator operand required copying or buffering, but neither copying nor buffering was enabled",
                ));
            }
            self.check_contiguous(i, buffered)?;
        }
        Ok(())
    }

    /// Without buffers an operand that is to be contiguous must be so along the inner axis, even one of length one.
    fn check_contiguous(&self, i: usize, buffered: bool) -> Result<()> {
        let op = &self.ops[i];
        if op.contig && !buffered && self.strides[i] != op.dtype.itemsize as isize {
            return Err(Error::type_(
                "Iterator operand required buffering, to be contiguous as requested, but buffering is not enabled",
            ));
        }
        Ok(())
    }
}

fn check_axes(specs: &[OpSpec<'_>], ndim: Option<usize>) -> Result<()> {
    if ndim.is_some_and(|n| n > MAXDIMS) {
        return Err(Error::value(format!(
            "Cannot construct an iterator with more than {MAXDIMS} dimensions ({} were requested for op_axes)",
            ndim.unwrap_or(0)
        )));
    }
    for (iop, spec) in specs.iter().enumerate() {
        let mut seen = [false; MAXDIMS];
        for &entry in spec.axes.unwrap_or(&[]) {
            let (a, _) = split_axis(entry);
            let Ok(i) = usize::try_from(a) else { continue };
            let complaint = match seen.get_mut(i) {
                None => "invalid values",
                Some(s) if *s => "duplicate value",
                Some(s) => {
                    *s = true;
                    continue;
                }
            };
            return Err(Error::value(format!(
                "The 'op_axes' provided to the iterator constructor for operand {iop} contained {complaint} {a}"
            )));
        }
    }
    Ok(())
}

fn check_global(flags: u32) -> Result<()> {
    let has = |f: u32| flags & f != 0;
    if has(per_op::MASK) {
        return value("A per-operand flag was passed as a global flag to the iterator constructor");
    }
    if has(global::C_INDEX) && has(global::F_INDEX) {
        return value("Iterator flags C_INDEX and F_INDEX cannot both be specified");
    }
    if has(global::EXTERNAL_LOOP) {
        if has(global::C_INDEX | global::F_INDEX | global::MULTI_INDEX) {
            return value(
                "Iterator flag EXTERNAL_LOOP cannot be used if an index or multi-index is being tracked",
            );
        }
        if has(global::RANGED) && !has(global::BUFFERED) {
            return value(
                "Iterator flag RANGED cannot be used with the flag EXTERNAL_LOOP unless BUFFERED is also enabled",
            );
        }
    }
    Ok(())
}

fn prepare_operands(specs: &[OpSpec<'_>], flags: u32) -> Result<(Vec<Operand>, Option<usize>)> {
    let mut mask_op = None;
    let mut any_masked = false;
    let mut ops = Vec::with_capacity(specs.len());
    for (i, spec) in specs.iter().enumerate() {
        let op = prepare_operand(spec, flags)?;
        if spec.flags & per_op::ARRAYMASK != 0 {
            if mask_op.is_some() {
                return value("Only one iterator operand may receive an ARRAYMASK flag");
            }
            mask_op = Some(i);
        }
        any_masked |= op.write_masked;
        ops.push(op);
    }
    if any_masked && mask_op.is_none() {
        return value(
            "An iterator operand was flagged as WRITEMASKED, but no ARRAYMASK operand was given to supply the mask",
        );
    }
    if !any_masked && mask_op.is_some() {
        return value(
            "An iterator operand was flagged as the ARRAYMASK, but no WRITEMASKED operands were given to use the mask",
        );
    }
    Ok((ops, mask_op))
}

fn prepare_operand(spec: &OpSpec<'_>, flags: u32) -> Result<Operand> {
    let has = |f: u32| spec.flags & f != 0;
    if has(global::MASK) {
        return value("A global iterator flag was passed as a per-operand flag to the iterator constructor");
    }
    let (read, write) = match spec.flags & (per_op::READONLY | per_op::READWRITE | per_op::WRITEONLY) {
        per_op::READONLY => (true, false),
        per_op::READWRITE => (true, true),
        per_op::WRITEONLY => (false, true),
        0 => {
            return value(
                "None of the iterator flags READWRITE, READONLY, or WRITEONLY were specified for an operand",
            );
        }
        _ => {
            return value(
                "Only one of the iterator flags READWRITE, READONLY, and WRITEONLY may be specified for an operand",
            );
        }
    };
    if write && has(per_op::COPY) && !has(per_op::UPDATEIFCOPY) {
        return value("If an iterator operand is writeable, must use the flag UPDATEIFCOPY instead of COPY");
    }
    if has(per_op::WRITEMASKED) {
        if !write {
            return value("The iterator flag WRITEMASKED may only be used with READWRITE or WRITEONLY");
        }
        if has(per_op::ARRAYMASK) {
            return value("The iterator flag WRITEMASKED may not be used together with ARRAYMASK");
        }
    }
    if has(per_op::VIRTUAL) && !(read && write) {
        return value("The iterator flag VIRTUAL should be be used together with READWRITE");
    }
    let mut op = Operand {
        dtype: Dtype::float64(),
        source: DtypeSource::Requested,
        array: spec.array.clone(),
        read,
        write,
        cast: false,
        reduce: false,
        write_masked: has(per_op::WRITEMASKED),
        is_virtual: has(per_op::VIRTUAL),
        contig: has(per_op::CONTIG),
        force_copy: false,
    };
    let refs_ok = |dt: &Dtype| {
        if dt.has_object() && flags & global::REFS_OK == 0 {
            return Err(Error::type_(
                "Iterator operand or requested dtype holds references, but the NPY_ITER_REFS_OK flag was not enabled",
            ));
        }
        Ok(())
    };
    let Some(arr) = &spec.array else {
        if !has(per_op::ALLOCATE | per_op::VIRTUAL) {
            return value(
                "Iterator operand was NULL, but neither the ALLOCATE nor the VIRTUAL flag was specified",
            );
        }
        if has(per_op::ALLOCATE) {
            if !write {
                return value(
                    "Automatic allocation was requested for an iterator operand, but it wasn't flagged for writing",
                );
            }
            if read && flags & global::BUFFERED != 0 && flags & global::DELAY_BUFALLOC == 0 {
                return value(
                    "Automatic allocation was requested for an iterator operand, and it was flagged as readable, but \
                     buffering  without delayed allocation was enabled",
                );
            }
        }
        if let Some(dt) = &spec.dtype {
            refs_ok(dt)?;
            op.dtype = dt.clone();
        }
        return Ok(op);
    };
    if op.is_virtual {
        return value("Iterator operand flag VIRTUAL was specified, but the operand was not NULL");
    }
    if write && !spec.writeable {
        return value("operand array with iterator write flag set is read-only");
    }
    if flags & global::ZEROSIZE_OK == 0 && arr.shape.contains(&0) {
        return value("Iteration of zero-sized operands is not enabled");
    }
    refs_ok(&arr.dtype)?;
    match &spec.dtype {
        Some(dt) => {
            op.dtype = if dt.is_unsized() { sized_for(&arr.dtype, dt) } else { dt.clone() };
            if dt.is_unsized() {
                op.source = DtypeSource::Computed;
            }
            refs_ok(&op.dtype)?;
        }
        None => {
            op.dtype = arr.dtype.clone();
            op.source = DtypeSource::Array;
        }
    }
    if has(per_op::NBO) && op.dtype.is_swapped() {
        op.dtype = op.dtype.with_byteorder(b'=');
        op.source = DtypeSource::Computed;
        op.cast = true;
    }
    if has(per_op::ALIGNED) && !is_aligned(arr.data, &arr.shape, &arr.strides, arr.dtype.align) {
        op.cast = true;
    }
    Ok(op)
}

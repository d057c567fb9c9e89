//! Moving through the iteration.

use super::{Axis, NdIter};
use crate::error::{Error, Result};

impl NdIter {
    /// Recompute what the inner loop looks like without buffering.
    pub(super) fn update_inner(&mut self) {
        let nop = self.nop();
        self.inner_strides.clear();
        self.inner_strides.extend_from_slice(&self.strides[..nop]);
        self.inner_size = if self.external { self.axes[0].shape } else { 1 };
    }

    /// Put `axes` and `at` on the element `index` of the walk.
    pub(super) fn seek(&mut self, index: isize) {
        self.index = index;
        self.at.clone_from(&self.reset);
        let mut rest = index;
        for (a, axis) in self.axes.iter_mut().enumerate() {
            axis.index = if axis.shape == 0 { 0 } else { rest % axis.shape };
            rest = if axis.shape == 0 { 0 } else { rest / axis.shape };
            if axis.index != 0 {
                let row = &self.strides[a * self.columns..][..self.columns];
                for (p, &s) in self.at.iter_mut().zip(row) {
                    *p = p.wrapping_offset(s * axis.index);
                }
            }
        }
    }

    pub(super) fn restart_position(&mut self) {
        self.seek(self.start);
    }

    /// Back to the first element; fills buffers that were delayed.
    ///
    /// # Errors
    /// `iterator is too large`; casts that fail while buffers are written back or filled.
    pub fn reset(&mut self) -> Result<()> {
        if self.itersize.is_none() {
            // Only removing axes can make this one usable.
            self.restart_position();
            return Ok(());
        }
        if self.buffering.is_some() {
            if self.has_delayed_bufalloc() {
                self.allocate_buffers()?;
            }
            self.flush()?;
            self.restart_position();
            return self.fill();
        }
        self.restart_position();
        Ok(())
    }

    /// [`NdIter::reset`] for an iterator about to be used.
    ///
    /// # Errors
    /// As there, and for an iterator that is too large.
    pub fn reset_checked(&mut self) -> Result<()> {
        self.check_size()?;
        self.reset()
    }

    /// # Errors
    /// `iterator is too large`
    pub fn check_size(&self) -> Result<()> {
        if self.itersize.is_none() { Err(Error::value("iterator is too large")) } else { Ok(()) }
    }

    /// Start again on other memory of the same layout: one pointer per operand.
    ///
    /// # Errors
    /// As [`NdIter::reset`].
    ///
    /// # Safety
    /// The new pointers satisfy what construction required of the old ones.
    pub unsafe fn reset_base_pointers(&mut self, pointers: &[*mut u8]) -> Result<()> {
        if self.buffering.is_some() {
            if self.has_delayed_bufalloc() {
                self.allocate_buffers()?;
            }
            self.flush()?;
        }
        for ((r, p), off) in self.reset.iter_mut().zip(pointers).zip(&self.base_offsets) {
            *r = p.wrapping_offset(*off);
        }
        self.reset()
    }

    /// Restrict the iteration to `start..end` and go to its start.
    ///
    /// # Errors
    /// Not a ranged iterator, a bad range; as [`NdIter::reset`].
    pub fn reset_to_range(&mut self, start: isize, end: isize) -> Result<()> {
        if !self.ranged {
            return Err(Error::value(
                "Cannot call ResetToIterIndexRange on an iterator without requesting ranged iteration support in the \
                 constructor",
            ));
        }
        self.check_size()?;
        if start < 0 || end > self.itersize.unwrap_or(0) {
            return Err(Error::value(format!(
                "Out-of-bounds range [{start}, {end}) passed to ResetToIterIndexRange"
            )));
        }
        if end < start {
            return Err(Error::value(format!(
                "Invalid range [{start}, {end}) passed to ResetToIterIndexRange"
            )));
        }
        (self.start, self.end) = (start, end);
        self.reset()
    }

    /// The next element or inner loop; false at the end.
    ///
    /// # Errors
    /// Casts that fail while buffers are written back or filled.
    pub fn advance(&mut self) -> Result<bool> {
        if self.buffering.is_some() {
            return self.advance_buffered();
        }
        self.index += self.inner_size;
        if self.ranged && self.index >= self.end {
            return Ok(false);
        }
        for a in usize::from(self.external)..self.axes.len() {
            let row = &self.strides[a * self.columns..][..self.columns];
            let axis = &mut self.axes[a];
            axis.index += 1;
            if axis.index < axis.shape {
                for (p, &s) in self.at.iter_mut().zip(row) {
                    *p = p.wrapping_offset(s);
                }
                return Ok(true);
            }
            let back = axis.index - 1;
            axis.index = 0;
            for (p, &s) in self.at.iter_mut().zip(row) {
                *p = p.wrapping_offset(-s * back);
            }
        }
        Ok(false)
    }

    fn goto(&mut self, index: isize) -> Result<()> {
        if self.buffering.is_some() && !self.goto_in_buffer(index) {
            self.flush()?;
            self.seek(index);
            return self.fill();
        }
        if self.buffering.is_none() {
            self.seek(index);
        }
        Ok(())
    }

    /// Go to element `index` of the walk.
    ///
    /// # Errors
    /// External loop, an index outside the range.
    pub fn goto_iterindex(&mut self, index: isize) -> Result<()> {
        if self.external {
            return Err(Error::value(
                "Cannot call GotoIterIndex on an iterator which has the flag EXTERNAL_LOOP",
            ));
        }
        if index < self.start || index >= self.end {
            self.check_size()?;
            return Err(Error::index(
                "Iterator GotoIterIndex called with an iterindex outside the iteration range.",
            ));
        }
        self.goto(index)
    }

    /// Go to a multi-index.
    ///
    /// # Errors
    /// No multi-index, buffering, external loop, out of bounds.
    pub fn goto_multi_index(&mut self, target: &[isize]) -> Result<()> {
        let wrong =
            |what: &str| Err(Error::value(format!("Cannot call GotoMultiIndex on an iterator {what}")));
        if !self.has_multi_index {
            return wrong("without requesting a multi-index in the constructor");
        }
        if self.buffering.is_some() {
            return wrong("which is buffered");
        }
        if self.external {
            return wrong("which has the flag EXTERNAL_LOOP");
        }
        let (mut index, mut factor) = (0isize, 1isize);
        for a in 0..self.ndim {
            let (axis, flipped) = self.original_axis(a);
            let Axis { shape, .. } = self.axes[a];
            let i = target[axis];
            if i < 0 || i >= shape {
                return Err(Error::index("Iterator GotoMultiIndex called with an out-of-bounds multi-index"));
            }
            let i = if flipped { shape - 1 - i } else { i };
            index = index.wrapping_add(i.wrapping_mul(factor));
            factor = factor.wrapping_mul(shape);
        }
        if index < self.start || index >= self.end {
            self.check_size()?;
            return Err(Error::index(
                "Iterator GotoMultiIndex called with a multi-index outside the restricted iteration range",
            ));
        }
        self.goto(index)
    }

    /// Go to a value of the tracked flat index.
    ///
    /// # Errors
    /// No index, buffering, external loop, out of bounds.
    pub fn goto_index(&mut self, target: isize) -> Result<()> {
        let wrong = |what: &str| Err(Error::value(format!("Cannot call GotoIndex on an iterator {what}")));
        if !self.has_index {
            return wrong("without requesting a C or Fortran index in the constructor");
        }
        if self.buffering.is_some() {
            return wrong("which is buffered");
        }
        if self.external {
            return wrong("which has the flag EXTERNAL_LOOP");
        }
        if target < 0 || target >= self.itersize.unwrap_or(0) {
            return Err(Error::index("Iterator GotoIndex called with an out-of-bounds index"));
        }
        let (mut index, mut factor) = (0isize, 1isize);
        for (a, axis) in self.axes.iter().enumerate() {
            let stride = self.strides[a * self.columns + self.columns - 1];
            let i = match stride {
                0 => 0,
                s if s < 0 => axis.shape - 1 - target / -s % axis.shape,
                s => target / s % axis.shape,
            };
            index += i * factor;
            factor *= axis.shape;
        }
        if index < self.start || index >= self.end {
            return Err(Error::index(
                "Iterator GotoIndex called with an index outside the restricted iteration range.",
            ));
        }
        self.goto(index)
    }

    /// Let the caller run the inner loop.
    ///
    /// # Errors
    /// An index or multi-index is tracked; a ranged iterator without buffering.
    pub fn enable_external_loop(&mut self) -> Result<()> {
        if self.has_index || self.has_multi_index {
            return Err(Error::value(
                "Iterator flag EXTERNAL_LOOP cannot be used if an index or multi-index is being tracked",
            ));
        }
        if self.ranged && self.external && self.buffering.is_none() {
            return Err(Error::value(
                "Iterator flag EXTERNAL_LOOP cannot be used with ranged iteration unless buffering is also enabled",
            ));
        }
        if !self.external {
            self.external = true;
            self.update_inner();
            if !self.has_delayed_bufalloc() {
                return self.reset();
            }
        }
        Ok(())
    }

    /// An independent iterator at the same place. Buffers are filled again, so what was written to them and not yet
    /// written back stays with the original.
    ///
    /// # Errors
    /// Casts that fail while buffers are filled.
    pub fn duplicate(&self) -> Result<NdIter> {
        let mut new = NdIter {
            ndim: self.ndim,
            perm: self.perm.clone(),
            axes: self.axes.clone(),
            strides: self.strides.clone(),
            columns: self.columns,
            reset: self.reset.clone(),
            base_offsets: self.base_offsets.clone(),
            at: self.at.clone(),
            ops: self.ops.clone(),
            mask_op: self.mask_op,
            has_index: self.has_index,
            has_multi_index: self.has_multi_index,
            external: self.external,
            ranged: self.ranged,
            reduce: self.reduce,
            grow_inner: self.grow_inner,
            forced_order: self.forced_order,
            needs_host: self.needs_host,
            itersize: self.itersize,
            start: self.start,
            end: self.end,
            index: self.index,
            buffering: None,
            inner_size: self.inner_size,
            inner_strides: self.inner_strides.clone(),
        };
        if let Some(b) = &self.buffering {
            new.buffering = Some(Box::new(b.fresh()));
            new.plan_buffers();
            new.make_transfers()?;
            if !b.delayed {
                new.allocate_buffers()?;
                // A fill starts on a boundary of the original's fills, so that chunks stay the same.
                new.seek(self.fill_start());
                new.fill()?;
                if new.index != self.index {
                    new.goto_in_buffer(self.index);
                }
            }
        }
        Ok(new)
    }
}

//! What `debug_print` shows.

use std::fmt::Write as _;

use super::NdIter;
use crate::dtype::Dtype;

/// Values in one line, each followed by a blank.
fn line<T>(items: impl IntoIterator<Item = T>, show: impl Fn(T) -> String) -> String {
    items.into_iter().fold(String::new(), |acc, x| acc + &show(x) + " ")
}

fn address<T>(p: *const T) -> String {
    if p.is_null() { "(nil)".to_owned() } else { format!("{p:p}") }
}

impl NdIter {
    /// A description of the iterator's state in numpy's format. `objects` are the addresses of the operands' arrays and
    /// descriptors.
    pub fn dump(&self, repr: &dyn Fn(&Dtype) -> String, objects: &[(usize, usize)]) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = self.write_dump(&mut out, repr, objects);
        out
    }

    fn flag_names(&self) -> String {
        let identity = self.perm.iter().enumerate().all(|(i, p)| p.axis == i && !p.flipped);
        let merged = !self.has_multi_index;
        let buffered = self.buffering.is_some();
        let one = self.end - self.start <= 1
            || self.external && !buffered && self.ndim <= 1
            || buffered && self.buffersize() >= self.end - self.start && self.external;
        let names = [
            (identity && (!merged || self.ndim == 0), "IDENTPERM"),
            (self.perm.iter().any(|p| p.flipped), "NEGPERM"),
            (self.has_index, "HASINDEX"),
            (self.has_multi_index, "HASMULTIINDEX"),
            (self.forced_order, "FORCEDORDER"),
            (self.external, "EXLOOP"),
            (self.ranged, "RANGE"),
            (buffered, "BUFFER"),
            (self.grow_inner, "GROWINNER"),
            (one && !buffered, "ONEITERATION"),
            (self.has_delayed_bufalloc(), "DELAYBUF"),
            (self.needs_host, "NEEDSAPI"),
            (self.reduce, "REDUCE"),
        ];
        line(names.iter().filter(|(on, _)| *on), |(_, name)| (*name).to_owned())
    }

    fn write_dump(
        &self,
        out: &mut String,
        repr: &dyn Fn(&Dtype) -> String,
        objects: &[(usize, usize)],
    ) -> std::fmt::Result {
        let nop = self.nop();
        let ptr = |p: &*mut u8| address(*p);
        let number = |n: &isize| n.to_string();
        let axis_bytes = 16 + 8 * self.columns;
        let buffer_bytes = if self.buffering.is_some() { 64 + 216 * nop } else { 0 };
        writeln!(out, "\n------ BEGIN ITERATOR DUMP ------")?;
        writeln!(out, "| Iterator Address: {}", address(self))?;
        writeln!(out, "| ItFlags: {}", self.flag_names())?;
        writeln!(out, "| NDim: {}", self.ndim)?;
        writeln!(out, "| NOp: {nop}")?;
        writeln!(out, "| IterSize: {}", self.itersize.unwrap_or(-1))?;
        writeln!(out, "| IterStart: {}", self.start)?;
        writeln!(out, "| IterEnd: {}", self.end)?;
        writeln!(out, "| IterIndex: {}", self.index)?;
        writeln!(out, "| Iterator SizeOf: {}", size_of::<NdIter>())?;
        writeln!(out, "| BufferData SizeOf: {buffer_bytes}")?;
        writeln!(out, "| AxisData SizeOf: {axis_bytes}")?;
        writeln!(out, "|")?;
        let perm = line(&self.perm, |p| {
            if p.flipped { format!("{}", -1 - p.axis as isize) } else { p.axis.to_string() }
        });
        writeln!(out, "| Perm: {perm}")?;
        writeln!(out, "| DTypes: {}", line(objects, |o| address(o.1 as *const u8)))?;
        writeln!(out, "| DTypes: {}", line(&self.ops, |op| repr(&op.dtype)))?;
        writeln!(out, "| InitDataPtrs: {}", line(&self.reset[..nop], ptr))?;
        writeln!(out, "| BaseOffsets: {}", line(&self.base_offsets[..nop], number))?;
        writeln!(out, "| Ptrs: {}", line(&self.at[..nop], ptr))?;
        if self.buffering.is_some() || self.external {
            writeln!(out, "| User/buffer ptrs: {}", line(self.pointers(), ptr))?;
        }
        if self.has_index {
            writeln!(out, "| InitIndex: {}", self.reset[nop] as isize)?;
        }
        writeln!(out, "| Operands: {}", line(objects, |o| address(o.0 as *const u8)))?;
        let arrays = line(&self.ops, |op| op.array.as_ref().map_or("(nil)".to_owned(), |l| repr(&l.dtype)));
        writeln!(out, "| Operand DTypes: {arrays}")?;
        writeln!(out, "| OpItFlags:")?;
        for (i, op) in self.ops.iter().enumerate() {
            let names = [
                (op.read, "READ"),
                (op.write, "WRITE"),
                (op.cast, "CAST"),
                (self.buffering.as_ref().is_some_and(|b| !b.is_used(i)), "BUFNEVER"),
                (op.reduce, "REDUCE"),
                (op.is_virtual, "VIRTUAL"),
                (op.write_masked, "WRITEMASKED"),
            ];
            let names = line(names.iter().filter(|(on, _)| *on), |(_, name)| (*name).to_owned());
            writeln!(out, "|   Flags[{i}]: {names}")?;
        }
        writeln!(out, "|")?;
        if let Some(b) = &self.buffering {
            b.write_dump(out)?;
        }
        for (a, axis) in self.axes.iter().enumerate().take(self.ndim) {
            let row = &self.strides[a * self.columns..][..self.columns];
            writeln!(out, "| AxisData[{a}]:")?;
            writeln!(out, "|   Shape: {}", axis.shape)?;
            writeln!(out, "|   Index: {}", axis.index)?;
            writeln!(out, "|   Strides: {}", line(&row[..nop], number))?;
            if self.has_index {
                writeln!(out, "|   Index Stride: {}", row[nop])?;
                writeln!(out, "|   Index Value: {}", row[nop] * axis.index)?;
            }
        }
        writeln!(out, "------- END ITERATOR DUMP -------\n")
    }
}

impl super::buffer::Buffering {
    fn write_dump(&self, out: &mut String) -> std::fmt::Result {
        let number = |n: &isize| n.to_string();
        writeln!(out, "| BufferData:")?;
        writeln!(out, "|   BufferSize: {}", self.capacity)?;
        writeln!(out, "|   Size: {}", self.size)?;
        writeln!(out, "|   BufIterEnd: {}", self.loop_end)?;
        writeln!(out, "|   BUFFER CoreSize: {}", self.core_size)?;
        if self.double_loop {
            writeln!(out, "|   REDUCE Pos: {}", self.outer_pos)?;
            writeln!(out, "|   REDUCE OuterSize: {}", self.outer_count)?;
            writeln!(out, "|   REDUCE OuterDim: {}", self.outer_axis)?;
        }
        writeln!(out, "|   Strides: {}", line(&self.strides, number))?;
        if self.double_loop {
            writeln!(out, "|   REDUCE Outer Strides: {}", line(&self.outer_strides, number))?;
            writeln!(out, "|   REDUCE Outer Ptrs: {}", line(&self.first, |p| address(*p)))?;
        }
        for (what, store) in [("ReadTransfer", false), ("WriteTransfer", true)] {
            let all = self.transfers(store);
            writeln!(out, "|   {what}Fn: {}", line(&all, |p| address(*p)))?;
            writeln!(out, "|   {what}Data: {}", line(&all, |p| address(*p)))?;
        }
        writeln!(out, "|   Buffers: {}", line(self.memory(), address))?;
        writeln!(out, "|")
    }
}

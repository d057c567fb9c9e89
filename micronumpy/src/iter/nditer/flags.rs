//! Flags of an iteration and of its operands. Values are ABI.

/// Flags of the whole iteration.
pub mod global {
    pub const C_INDEX: u32 = 0x0001;
    pub const F_INDEX: u32 = 0x0002;
    pub const MULTI_INDEX: u32 = 0x0004;
    pub const EXTERNAL_LOOP: u32 = 0x0008;
    pub const COMMON_DTYPE: u32 = 0x0010;
    pub const REFS_OK: u32 = 0x0020;
    pub const ZEROSIZE_OK: u32 = 0x0040;
    pub const REDUCE_OK: u32 = 0x0080;
    pub const RANGED: u32 = 0x0100;
    pub const BUFFERED: u32 = 0x0200;
    pub const GROWINNER: u32 = 0x0400;
    pub const DELAY_BUFALLOC: u32 = 0x0800;
    pub const DONT_NEGATE_STRIDES: u32 = 0x1000;
    pub const COPY_IF_OVERLAP: u32 = 0x2000;
    /// All bits of this group.
    pub const MASK: u32 = 0x0000_ffff;
}

/// Flags of one operand.
pub mod per_op {
    pub const READWRITE: u32 = 0x0001_0000;
    pub const READONLY: u32 = 0x0002_0000;
    pub const WRITEONLY: u32 = 0x0004_0000;
    pub const NBO: u32 = 0x0008_0000;
    pub const ALIGNED: u32 = 0x0010_0000;
    pub const CONTIG: u32 = 0x0020_0000;
    pub const COPY: u32 = 0x0040_0000;
    pub const UPDATEIFCOPY: u32 = 0x0080_0000;
    pub const ALLOCATE: u32 = 0x0100_0000;
    pub const NO_SUBTYPE: u32 = 0x0200_0000;
    pub const VIRTUAL: u32 = 0x0400_0000;
    pub const NO_BROADCAST: u32 = 0x0800_0000;
    pub const WRITEMASKED: u32 = 0x1000_0000;
    pub const ARRAYMASK: u32 = 0x2000_0000;
    pub const OVERLAP_ASSUME_ELEMENTWISE: u32 = 0x4000_0000;
    /// All bits of this group.
    pub const MASK: u32 = 0xffff_0000;
}

/// Added to an entry of `op_axes`, it says that the operand is reduced along this axis: the axis exists and has length one.
pub const REDUCTION_AXIS: i32 = 1 << 30;

/// An entry of `op_axes`: the operand's axis (negative: none), and whether it is a reduction axis.
pub(super) fn split_axis(axis: i32) -> (i32, bool) {
    if axis >= REDUCTION_AXIS - 1 { (axis - REDUCTION_AXIS, true) } else { (axis, false) }
}

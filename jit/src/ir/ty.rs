//! Types of values: a scalar type and a number of lanes.
//!
//! Signedness belongs to the type, as in numpy, so that `div` or `lt` need no variants. A `bool` is 0 or 1; in memory
//! it is one byte, in a vector it is a lane mask. Half floats are a storage type: they can be loaded, stored, converted
//! and selected, arithmetic is done on `f32`. Complex numbers are pairs of values, made and taken apart by producers.

use std::fmt;

/// The type of one lane.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Scalar {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
    /// An address. Takes part in addresses, `select` and equality only.
    Ptr,
}

impl Scalar {
    pub const ALL: [Scalar; 13] = [
        Scalar::Bool,
        Scalar::I8,
        Scalar::I16,
        Scalar::I32,
        Scalar::I64,
        Scalar::U8,
        Scalar::U16,
        Scalar::U32,
        Scalar::U64,
        Scalar::F16,
        Scalar::F32,
        Scalar::F64,
        Scalar::Ptr,
    ];

    /// Bytes of one element in memory.
    pub const fn size(self) -> usize {
        match self {
            Scalar::Bool | Scalar::I8 | Scalar::U8 => 1,
            Scalar::I16 | Scalar::U16 | Scalar::F16 => 2,
            Scalar::I32 | Scalar::U32 | Scalar::F32 => 4,
            Scalar::I64 | Scalar::U64 | Scalar::F64 | Scalar::Ptr => 8,
        }
    }
    pub const fn bits(self) -> u32 {
        self.size() as u32 * 8
    }
    /// An integer, not counting `bool` and addresses.
    pub const fn is_int(self) -> bool {
        self.is_signed() || self.is_unsigned()
    }
    pub const fn is_signed(self) -> bool {
        matches!(self, Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64)
    }
    pub const fn is_unsigned(self) -> bool {
        matches!(self, Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64)
    }
    /// A float arithmetic can be done on: not `f16`.
    pub const fn is_float(self) -> bool {
        matches!(self, Scalar::F32 | Scalar::F64)
    }
    pub const fn name(self) -> &'static str {
        match self {
            Scalar::Bool => "bool",
            Scalar::I8 => "i8",
            Scalar::I16 => "i16",
            Scalar::I32 => "i32",
            Scalar::I64 => "i64",
            Scalar::U8 => "u8",
            Scalar::U16 => "u16",
            Scalar::U32 => "u32",
            Scalar::U64 => "u64",
            Scalar::F16 => "f16",
            Scalar::F32 => "f32",
            Scalar::F64 => "f64",
            Scalar::Ptr => "ptr",
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The type of a value. Vectors have any power of two of lanes up to [`Ty::MAX_LANES`]; a back end splits those that are
/// wider than its registers, so the number of lanes also says how far a loop is unrolled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ty {
    pub scalar: Scalar,
    pub lanes: u8,
}

impl Ty {
    pub const MAX_LANES: u8 = 64;
    pub const BOOL: Ty = Ty::scalar(Scalar::Bool);
    pub const I32: Ty = Ty::scalar(Scalar::I32);
    pub const I64: Ty = Ty::scalar(Scalar::I64);
    pub const U64: Ty = Ty::scalar(Scalar::U64);
    pub const F32: Ty = Ty::scalar(Scalar::F32);
    pub const F64: Ty = Ty::scalar(Scalar::F64);
    pub const PTR: Ty = Ty::scalar(Scalar::Ptr);

    pub const fn scalar(scalar: Scalar) -> Ty {
        Ty { scalar, lanes: 1 }
    }
    pub const fn vector(scalar: Scalar, lanes: u8) -> Ty {
        Ty { scalar, lanes }
    }
    pub const fn is_vector(self) -> bool {
        self.lanes > 1
    }
    /// The same lanes of another scalar type.
    pub const fn with(self, scalar: Scalar) -> Ty {
        Ty { scalar, lanes: self.lanes }
    }
    /// Bytes of all lanes in memory.
    pub const fn size(self) -> usize {
        self.scalar.size() * self.lanes as usize
    }
    /// The type a text such as `f64` or `i32x8` names.
    pub fn parse(text: &str) -> Option<Ty> {
        Scalar::ALL.into_iter().find_map(|s| {
            let lanes = match text.strip_prefix(s.name())? {
                "" => 1,
                rest => rest.strip_prefix('x')?.parse().ok().filter(|&n: &u8| n > 1)?,
            };
            let ty = Ty::vector(s, lanes);
            ty.is_valid().then_some(ty)
        })
    }
    pub fn is_valid(self) -> bool {
        self.lanes.is_power_of_two()
            && self.lanes <= Ty::MAX_LANES
            && (self.scalar != Scalar::Ptr || self.lanes == 1)
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lanes {
            1 => write!(f, "{}", self.scalar),
            n => write!(f, "{}x{n}", self.scalar),
        }
    }
}

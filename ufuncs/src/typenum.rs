//! numpy's type numbers: the names kernels, dtypes and the C API agree on. ORDER TYPENUM: the values are ABI.

/// A numpy type number. Values of 256 and above are user types.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct TypeNum(pub i32);

macro_rules! typenums {
    ($($name:ident = $num:literal, $ch:literal, $size:literal, $align:literal;)*) => {
        impl TypeNum {
            $(pub const $name: TypeNum = TypeNum($num);)*

            /// The one-character code (`'d'` for float64), `None` for user types.
            pub const fn char(self) -> Option<u8> {
                match self.0 { $($num => Some($ch),)* _ => None }
            }
            /// The type with this one-character code.
            pub const fn from_char(ch: u8) -> Option<TypeNum> {
                match ch { $($ch => Some(TypeNum($num)),)* _ => None }
            }
            /// Item size in bytes; 0 for flexible types.
            pub const fn size(self) -> usize {
                match self.0 { $($num => $size,)* _ => 0 }
            }
            /// Alignment in bytes.
            pub const fn align(self) -> usize {
                match self.0 { $($num => $align,)* _ => 1 }
            }
        }
        impl core::fmt::Debug for TypeNum {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.0 { $($num => f.write_str(stringify!($name)),)* n => write!(f, "TypeNum({n})") }
            }
        }
    };
}

typenums! {
    BOOL = 0, b'?', 1, 1;
    BYTE = 1, b'b', 1, 1;
    UBYTE = 2, b'B', 1, 1;
    SHORT = 3, b'h', 2, 2;
    USHORT = 4, b'H', 2, 2;
    INT = 5, b'i', 4, 4;
    UINT = 6, b'I', 4, 4;
    LONG = 7, b'l', 8, 8;
    ULONG = 8, b'L', 8, 8;
    LONGLONG = 9, b'q', 8, 8;
    ULONGLONG = 10, b'Q', 8, 8;
    FLOAT = 11, b'f', 4, 4;
    DOUBLE = 12, b'd', 8, 8;
    LONGDOUBLE = 13, b'g', 16, 16;
    CFLOAT = 14, b'F', 8, 4;
    CDOUBLE = 15, b'D', 16, 8;
    CLONGDOUBLE = 16, b'G', 32, 16;
    OBJECT = 17, b'O', 8, 8;
    STRING = 18, b'S', 0, 1;
    UNICODE = 19, b'U', 0, 4;
    VOID = 20, b'V', 0, 1;
    DATETIME = 21, b'M', 8, 8;
    TIMEDELTA = 22, b'm', 8, 8;
    HALF = 23, b'e', 2, 2;
    VSTRING = 2056, b'T', 16, 8;
}

impl TypeNum {
    /// Number of builtin legacy types (`0..24`).
    pub const NTYPES: usize = 24;
    /// First number handed to a user type.
    pub const USERDEF: i32 = 256;

    #[inline]
    pub const fn is_bool(self) -> bool {
        self.0 == 0
    }
    #[inline]
    pub const fn is_signed(self) -> bool {
        matches!(self.0, 1 | 3 | 5 | 7 | 9)
    }
    #[inline]
    pub const fn is_unsigned(self) -> bool {
        matches!(self.0, 2 | 4 | 6 | 8 | 10)
    }
    /// Signed or unsigned, without bool.
    #[inline]
    pub const fn is_integer(self) -> bool {
        self.0 >= 1 && self.0 <= 10
    }
    #[inline]
    pub const fn is_float(self) -> bool {
        matches!(self.0, 11..=13 | 23)
    }
    #[inline]
    pub const fn is_complex(self) -> bool {
        matches!(self.0, 14..=16)
    }
    /// Integer, float or complex.
    #[inline]
    pub const fn is_number(self) -> bool {
        self.0 >= 1 && self.0 <= 16 || self.0 == 23
    }
    /// `datetime64` or `timedelta64`.
    #[inline]
    pub const fn is_datetime(self) -> bool {
        matches!(self.0, 21 | 22)
    }
    /// Types whose item size is part of the dtype.
    #[inline]
    pub const fn is_flexible(self) -> bool {
        matches!(self.0, 18..=20)
    }
    /// Bytes or text of fixed width.
    #[inline]
    pub const fn is_string(self) -> bool {
        matches!(self, TypeNum::STRING | TypeNum::UNICODE)
    }
    #[inline]
    pub const fn is_object(self) -> bool {
        self.0 == 17
    }
    #[inline]
    pub const fn is_user(self) -> bool {
        self.0 >= Self::USERDEF && self.0 != 2056
    }
    /// numpy's `kind` character.
    #[inline]
    pub const fn kind(self) -> u8 {
        match self.0 {
            0 => b'b',
            1 | 3 | 5 | 7 | 9 => b'i',
            2 | 4 | 6 | 8 | 10 => b'u',
            11..=13 | 23 => b'f',
            14..=16 => b'c',
            17 => b'O',
            18 => b'S',
            19 => b'U',
            21 => b'M',
            22 => b'm',
            2056 => b'T',
            _ => b'V',
        }
    }
    /// The real type of a complex type (and of nothing else).
    #[inline]
    pub const fn real_part(self) -> TypeNum {
        match self.0 {
            14 => TypeNum::FLOAT,
            15 => TypeNum::DOUBLE,
            16 => TypeNum::LONGDOUBLE,
            n => TypeNum(n),
        }
    }
}

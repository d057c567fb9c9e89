//! CPython's own Unicode database, so that string ufuncs and the methods of `str` agree whatever the host's version.
//!
//! The functions are those behind `Py_UNICODE_ISALPHA` and its like: exported, without state, callable without the GIL.

use std::ffi::c_int;

use ufuncs::strings::unicode::Database;

macro_rules! questions {
    ($($field:ident: $symbol:ident;)*) => {
        unsafe extern "C" {
            $(fn $symbol(c: u32) -> c_int;)*
        }
        /// Answers of the running host.
        pub const DATABASE: Database = Database {
            // SAFETY: they take any number, code point or not.
            $($field: |c| unsafe { $symbol(c) != 0 },)*
        };
    };
}

questions! {
    is_alphabetic: _PyUnicode_IsAlpha;
    is_decimal: _PyUnicode_IsDecimalDigit;
    is_digit: _PyUnicode_IsDigit;
    is_numeric: _PyUnicode_IsNumeric;
    is_space: _PyUnicode_IsWhitespace;
    is_lower: _PyUnicode_IsLowercase;
    is_upper: _PyUnicode_IsUppercase;
    is_title: _PyUnicode_IsTitlecase;
}

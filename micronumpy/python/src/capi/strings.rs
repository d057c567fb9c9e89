//! Variable-width strings in compiled code: an allocator is held, elements are taken apart and put together, and it is let
//! go.
//!
//! An allocator is an instance of the object space. What a thread holds is remembered with the thread, as the lock of the
//! standard library wants it.

use std::cell::RefCell;
use std::ffi::{c_char, c_int};
use std::ptr::{null, null_mut};
use std::sync::MutexGuard;

use micronumpy::TypeNum;
use micronumpy::vstring::{Arena, Strings};
use pyo3::ffi;

use super::Slot;
use crate::abi::PyArray_Descr;
use crate::objects::dtype::string::StringDescr;

type Allocator = *mut Strings;

/// `npy_static_string`
#[repr(C)]
pub struct Unpacked {
    size: usize,
    buf: *const c_char,
}

thread_local! {
    static HELD: RefCell<Vec<(Allocator, MutexGuard<'static, Arena>)>> = const { RefCell::new(Vec::new()) };
}

/// Hold an allocator. Whoever has it may need the GIL to get done, so it is not kept while waiting.
///
/// # Safety
/// An allocator that lives until it is let go.
unsafe fn acquire(allocator: Allocator) {
    // SAFETY: the caller's promise. The thread's state is put back in the same thread.
    unsafe {
        let strings: &'static Strings = &*allocator;
        let held = match strings.try_lock() {
            Some(held) => held,
            None if ffi::PyGILState_Check() != 0 => {
                let state = ffi::PyEval_SaveThread();
                let held = strings.lock();
                ffi::PyEval_RestoreThread(state);
                held
            }
            None => strings.lock(),
        };
        HELD.with_borrow_mut(|all| all.push((allocator, held)));
    }
}

fn release(allocator: Allocator) {
    HELD.with_borrow_mut(|all| {
        if let Some(i) = all.iter().rposition(|(a, _)| *a == allocator) {
            drop(all.remove(i));
        }
    });
}

/// Do something with an allocator this thread holds; without it, -1.
fn with(allocator: Allocator, body: impl FnOnce(&mut Arena) -> c_int) -> c_int {
    HELD.with_borrow_mut(|all| match all.iter_mut().find(|(a, _)| *a == allocator) {
        Some((_, arena)) => body(arena),
        None => -1,
    })
}

/// The allocator of a descriptor; null if it is none of strings.
///
/// # Safety
/// A live descriptor.
unsafe fn allocator_of(descr: *const PyArray_Descr) -> Allocator {
    // SAFETY: the caller's promise; descriptors of this number are of this type.
    unsafe {
        if (*descr).type_num == TypeNum::VSTRING.0 {
            (*descr.cast::<StringDescr>()).allocator.cast()
        } else {
            null_mut()
        }
    }
}

unsafe extern "C" fn NpyString_load(allocator: Allocator, packed: *const u8, out: *mut Unpacked) -> c_int {
    // SAFETY: an element of the allocator, and a place for the answer.
    with(allocator, |arena| unsafe {
        match arena.locate(packed) {
            Some((text, size)) => {
                *out = Unpacked { size, buf: text.cast() };
                0
            }
            None => {
                *out = Unpacked { size: 0, buf: null() };
                1
            }
        }
    })
}

unsafe extern "C" fn NpyString_pack(
    allocator: Allocator,
    packed: *mut u8,
    buf: *const c_char,
    size: usize,
) -> c_int {
    if size > 0 && buf.is_null() {
        return -1;
    }
    // The text may be one of the arena's own, so it is copied.
    let mut text = Vec::with_capacity(size);
    if size > 0 {
        // SAFETY: `size` bytes, says the caller.
        text.extend_from_slice(unsafe { std::slice::from_raw_parts(buf.cast::<u8>(), size) });
    }
    // SAFETY: an element of the allocator.
    with(allocator, |arena| unsafe { if arena.store(packed, &text).is_ok() { 0 } else { -1 } })
}

unsafe extern "C" fn NpyString_pack_null(allocator: Allocator, packed: *mut u8) -> c_int {
    // SAFETY: an element of the allocator.
    with(allocator, |arena| unsafe {
        arena.store_missing(packed);
        0
    })
}

unsafe extern "C" fn NpyString_acquire_allocator(descr: *const PyArray_Descr) -> Allocator {
    // SAFETY: a live descriptor of strings.
    unsafe {
        let allocator = allocator_of(descr);
        if !allocator.is_null() {
            acquire(allocator);
        }
        allocator
    }
}

unsafe extern "C" fn NpyString_acquire_allocators(
    n: usize,
    descrs: *const *const PyArray_Descr,
    allocators: *mut Allocator,
) {
    // SAFETY: `n` live descriptors, and as many places.
    unsafe {
        let all: Vec<Allocator> = (0..n).map(|i| allocator_of(*descrs.add(i))).collect();
        all.iter().enumerate().for_each(|(i, &a)| *allocators.add(i) = a);
        // In the order of addresses, each once, as everybody does.
        let mut distinct: Vec<Allocator> = all.into_iter().filter(|a| !a.is_null()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.into_iter().for_each(|a| acquire(a));
    }
}

unsafe extern "C" fn NpyString_release_allocator(allocator: Allocator) {
    release(allocator);
}

unsafe extern "C" fn NpyString_release_allocators(n: usize, allocators: *const Allocator) {
    // SAFETY: `n` allocators or nulls.
    let mut distinct: Vec<Allocator> = unsafe { (0..n).map(|i| *allocators.add(i)).collect() };
    distinct.sort_unstable();
    distinct.dedup();
    distinct.into_iter().filter(|a| !a.is_null()).for_each(release);
}

pub static SLOTS: &[Slot] = &[
    Slot(313, NpyString_load as *const ()),
    Slot(314, NpyString_pack as *const ()),
    Slot(315, NpyString_pack_null as *const ()),
    Slot(316, NpyString_acquire_allocator as *const ()),
    Slot(317, NpyString_acquire_allocators as *const ()),
    Slot(318, NpyString_release_allocator as *const ()),
    Slot(319, NpyString_release_allocators as *const ()),
];

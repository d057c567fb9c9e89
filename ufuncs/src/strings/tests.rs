use super::*;
use crate::abi::{LoopContext, LoopDef, LoopInfo};

enum Arg<'a> {
    Text(&'a str),
    Int(i64),
}
use Arg::{Int, Text};

fn loop_of(name: &str, row: usize) -> &'static LoopDef {
    let own = UFUNCS.iter().find(|u| u.name == name).map(|u| u.loops);
    let shared = SHARED_LOOPS.iter().find(|(n, _)| *n == name).map(|(_, rows)| *rows);
    &own.or(shared).expect("a string ufunc")[row]
}

/// Run a row of the table over one element: strings and integers in, the bytes of the outputs out.
fn run(name: &str, row: usize, args: &[Arg], sizes: &[usize]) -> (i32, Vec<Vec<u8>>) {
    let def = loop_of(name, row);
    let mut buffers: Vec<Vec<u128>> = vec![];
    let mut itemsizes = vec![];
    for a in args {
        let bytes: Vec<u8> = match a {
            Text(s) if def.types.contains(&crate::TypeNum::UNICODE) => {
                s.chars().flat_map(|c| (c as u32).to_ne_bytes()).collect()
            }
            Text(s) => s.bytes().collect(),
            Int(i) => i.to_ne_bytes().to_vec(),
        };
        itemsizes.push(bytes.len());
        let mut words = vec![0u128; bytes.len().div_ceil(16)];
        for (i, b) in bytes.iter().enumerate() {
            words[i / 16] |= u128::from_le_bytes({
                let mut w = [0; 16];
                w[i % 16] = *b;
                w
            });
        }
        buffers.push(words);
    }
    for &n in sizes {
        itemsizes.push(n);
        buffers.push(vec![u128::MAX; n.div_ceil(16)]);
    }
    let data: Vec<*mut u8> = buffers.iter_mut().map(|b| b.as_mut_ptr().cast()).collect();
    let info = LoopInfo { itemsizes: itemsizes.as_ptr() };
    let null = core::ptr::null_mut();
    let ctx = LoopContext {
        caller: null,
        method: null,
        descriptors: core::ptr::null(),
        info: &info,
        flags: 0,
        parameters: null,
    };
    let strides = vec![0isize; data.len()];
    // SAFETY: one element per operand, of the sizes told.
    let code = unsafe { (def.func)(&ctx, data.as_ptr(), [1isize].as_ptr(), strides.as_ptr(), null) };
    let outs = buffers[args.len()..]
        .iter()
        .zip(sizes)
        .map(|(b, &n)| b.iter().flat_map(|w| w.to_le_bytes()).take(n).collect())
        .collect();
    (code, outs)
}

fn check_int(name: &str, args: &[Arg], expected: i64) {
    for row in 0..2 {
        let (code, outs) = run(name, row, args, &[8]);
        assert_eq!(code, 0, "{name}");
        assert_eq!(outs[0], expected.to_ne_bytes(), "{name} row {row}");
    }
}

fn check_text(name: &str, args: &[Arg], width: usize, expected: &str) {
    let (code, outs) = run(name, 0, args, &[width]);
    assert_eq!((code, String::from_utf8_lossy(&outs[0]).as_ref()), (0, expected), "{name}");
}

#[test]
fn results_are_padded_and_cut() {
    check_text("_center", &[Text("abc"), Int(6), Text("*")], 8, "*abc**\0\0");
    check_text("_center", &[Text("ab"), Int(5), Text("*")], 4, "**ab");
    check_text("_rjust", &[Text("ab\0\0"), Int(5), Text(" ")], 5, "   ab");
    check_text("_zfill", &[Text("-1"), Int(5)], 5, "-0001");
    check_text("_zfill", &[Text("-1"), Int(-5)], 3, "-1\0");
    check_text("multiply", &[Text("abc"), Int(3)], 7, "abcabca");
    check_text("add", &[Text("ab\0"), Text("c")], 4, "abc\0");
    check_text("_replace", &[Text("abab"), Text("ab"), Text("xyz"), Int(1)], 6, "xyzab\0");
    check_text("_replace", &[Text("ab"), Text(""), Text("-"), Int(9)], 5, "-a-b-");
    check_text("_expandtabs", &[Text("a\tb\n\t"), Int(4)], 12, "a   b\n    \0\0");
    check_text("_strip_whitespace", &[Text(" a b \0 ")], 4, "a b\0");
    check_text("_slice", &[Text("abcdef"), Int(i64::MAX), Int(i64::MIN), Int(-2)], 6, "fdb\0\0\0");
    let (code, outs) = run("_partition_index", 0, &[Text("abc"), Text("b"), Int(1)], &[2, 2, 2]);
    assert_eq!((code, outs), (0, vec![b"a\0".to_vec(), b"b\0".to_vec(), b"c\0".to_vec()]));
}

#[test]
fn searches_take_bounds_like_slices() {
    let find = |s, sub, start, end, at| check_int("find", &[Text(s), Text(sub), Int(start), Int(end)], at);
    find("abcabc", "c", 0, i64::MAX, 2);
    find("abcabc", "c", -2, i64::MAX, 5);
    find("abcabc", "c", 3, -1, -1);
    find("abc", "", 3, i64::MAX, 3);
    find("abc", "", 4, i64::MAX, -1);
    find("", "", i64::MAX, 0, -1);
    check_int("rfind", &[Text("abcabc"), Text("bc"), Int(0), Int(i64::MAX)], 4);
    check_int("count", &[Text("aaaaa"), Text("aa"), Int(0), Int(i64::MAX)], 2);
    check_int("count", &[Text("abc"), Text(""), Int(i64::MIN), Int(-1)], 3);
    check_int("str_len", &[Text("a\0b\0\0")], 3);
}

#[test]
fn failures_are_codes() {
    use crate::abi::*;
    let code = |name, args: &[Arg], size| run(name, 0, args, &[size]).0;
    let all = Int(i64::MAX);
    assert_eq!(code("index", &[Text("a"), Text("b"), Int(0), all], 8), SUBSTRING_NOT_FOUND);
    assert_eq!(code("multiply", &[Text("ab"), Int(i64::MAX)], 4), REPEAT_OVERFLOW);
    assert_eq!(code("_slice", &[Text("ab"), Int(0), Int(1), Int(0)], 2), ZERO_STEP);
    assert_eq!(code("_expandtabs_length", &[Text("\t"), Int(1 << 31)], 8), STRING_TOO_LONG);
}

#[test]
fn two_way_search_agrees_with_the_naive_one() {
    let mut seed = 1u64;
    let mut random = move |n: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) % n
    };
    for _ in 0..3000 {
        let letters = 1 + random(3);
        let text: Vec<u8> =
            (0..random(400)).map(|_| (random(8) == 0) as u8 * random(letters) as u8).collect();
        let sub: Vec<u8> =
            (0..1 + random(60)).map(|_| (random(20) == 0) as u8 * random(letters) as u8).collect();
        let naive = text.windows(sub.len()).position(|w| w == sub);
        assert_eq!(search::find(&text, &sub), naive, "{text:?} {sub:?}");
        assert_eq!(search::rfind(&text, &sub), text.windows(sub.len()).rposition(|w| w == sub));
    }
}

#[test]
fn long_searches_are_linear() {
    let mut text = vec![b'a'; 200_000];
    let mut sub = vec![b'a'; 100_000];
    sub[50_000] = b'b';
    assert_eq!(search::find(&text, &sub), None);
    text[150_000] = b'b';
    assert_eq!(search::find(&text, &sub), Some(100_000));
    assert_eq!(search::rfind(&text, &sub), Some(100_000));
}

#[test]
fn every_row_reads_what_it_lists() {
    for def in UFUNCS {
        for row in def.loops {
            assert_eq!(row.types.len(), def.nin + def.nout, "{}", def.name);
        }
    }
}

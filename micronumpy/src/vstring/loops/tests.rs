use super::*;
use crate::vstring::ITEMSIZE;

/// Run a loop over one element; strings and integers in, strings or an integer out.
fn run(ufunc: &str, texts: &[&str], ints: &[i64]) -> Vec<String> {
    let def = LOOPS.iter().find(|l| l.ufunc == ufunc).expect("a loop");
    let given: Vec<Option<Dtype>> =
        def.types.iter().map(|&t| (t == T).then(Dtype::default_strings)).collect();
    let mut given = given;
    given[def.nin..].iter_mut().for_each(|d| *d = None);
    let dtypes = def.resolve(&given).expect("dtypes");
    let call = def.bind(&dtypes);
    let mut cells = vec![[0u8; ITEMSIZE]; def.types.len()];
    let (mut t, mut k) = (texts.iter(), ints.iter());
    for i in 0..def.nin {
        match dtypes[i].as_strings() {
            // SAFETY: an element of the instance.
            Some(s) => unsafe {
                s.lock().store(cells[i].as_mut_ptr(), t.next().expect("a text").as_bytes()).expect("memory");
            },
            None => cells[i][..8].copy_from_slice(&k.next().expect("an integer").to_ne_bytes()),
        }
    }
    let data: Vec<*mut u8> = cells.iter_mut().map(|c| c.as_mut_ptr()).collect();
    // SAFETY: one element per operand.
    unsafe { call.run(&data, 1, &vec![0; data.len()]) }.expect("a result");
    let out = (def.nin..def.types.len())
        .map(|i| match dtypes[i].as_strings() {
            // SAFETY: an element of the instance.
            Some(s) => unsafe {
                String::from_utf8(s.lock().load(data[i]).expect("text").to_vec()).expect("UTF-8")
            },
            None if def.types[i] == B => (cells[i][0] != 0).to_string(),
            None => i64::from_ne_bytes(cells[i][..8].try_into().expect("eight bytes")).to_string(),
        })
        .collect();
    for (i, dt) in dtypes.iter().enumerate() {
        if let Some(s) = dt.as_strings() {
            // SAFETY: as above.
            unsafe { s.lock().clear(cells[i].as_mut_ptr()) };
        }
    }
    out
}

#[test]
fn characters_are_code_points() {
    assert_eq!(run("str_len", &["aé😊"], &[]), ["3"]);
    assert_eq!(run("find", &["--🐍--", "🐍"], &[0, 100]), ["2"]);
    assert_eq!(run("_slice", &["aé😊b"], &[-1, -4, -1]), ["b😊é"]);
    assert_eq!(run("_center", &["é", "☃"], &[4]), ["☃é☃☃"]);
    assert_eq!(run("_partition", &["a☃b", "☃"], &[]), ["a", "☃", "b"]);
    assert_eq!(run("_rpartition", &["abc", "-"], &[]), ["", "", "abc"]);
    assert_eq!(run("isalpha", &["éa"], &[]), ["true"]);
}

#[test]
fn nuls_are_characters() {
    assert_eq!(run("_rstrip_whitespace", &["a\0 "], &[]), ["a\0"]);
    assert_eq!(run("add", &["a\0", "b"], &[]), ["a\0b"]);
    assert_eq!(run("equal", &["a\0", "a"], &[]), ["false"]);
}

#[test]
fn counts_below_zero_mean_all() {
    assert_eq!(run("_replace", &["aXbXc", "X", "é"], &[-1]), ["aébéc"]);
    assert_eq!(run("_replace", &["ab", "", "-"], &[-1]), ["-a-b-"]);
}

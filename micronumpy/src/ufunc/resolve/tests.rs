use std::collections::HashMap;

use super::*;
use crate::ufunc::Loop;
use ufuncs::{LoopContext, LoopDef, LoopFlags};

/// What numpy answers: ufunc name -> operand types -> loop.
fn expected() -> HashMap<String, HashMap<String, String>> {
    let mut out = HashMap::new();
    let mut names = vec![];
    for line in include_str!("resolution.txt").lines().skip(3) {
        if let Some(heading) = line.strip_prefix("# ") {
            names = heading.split(' ').map(str::to_string).collect();
            for n in &names {
                out.entry(n.clone()).or_insert_with(HashMap::new);
            }
        } else if let Some((result, combos)) = line.split_once(": ") {
            for n in &names {
                for c in combos.split(' ') {
                    out.get_mut(n).unwrap().insert(c.to_string(), result.to_string());
                }
            }
        }
    }
    out
}

unsafe extern "C" fn no_loop(
    _: *const LoopContext,
    _: *const *mut u8,
    _: *const isize,
    _: *const isize,
    _: *mut std::ffi::c_void,
) -> i32 {
    -1
}

fn types(text: &str) -> Vec<TypeNum> {
    text.bytes().filter(|c| !b"->".contains(c)).map(|c| TypeNum::from_char(c).unwrap()).collect()
}

/// A dtype that a value of this type would have.
fn dtype(c: u8) -> Dtype {
    match c {
        b'S' => Dtype::string(3),
        b'U' => Dtype::unicode(3),
        b'V' => Dtype::void(3),
        _ => Dtype::builtin(TypeNum::from_char(c).unwrap()),
    }
}

fn answer(uf: &Ufunc, combo: &str) -> Option<String> {
    let (chars, weak) = match combo.split_once(',') {
        Some((c, w)) => (c, Some(w)),
        None => (combo, None),
    };
    let dtypes: Vec<Dtype> = chars.bytes().map(dtype).collect();
    let mut ops: Vec<OpType<'_>> = dtypes.iter().map(OpType::Is).collect();
    if let Some(w) = weak {
        ops.push(OpType::Weak(match w {
            "int" => Weak::Int,
            "float" => Weak::Float,
            _ => Weak::Complex,
        }));
    }
    ops.resize(uf.nargs(), OpType::Absent);
    let res = resolve(uf, &ops, &[]).ok()?;
    check_casts(uf, &ops, &[], &res, Casting::SameKind).ok()?;
    let mut text: String = res.dtypes.iter().map(|d| d.num.char().unwrap() as char).collect();
    text.insert_str(uf.nin, "->");
    Some(text)
}

#[test]
fn every_combination_resolves_as_in_numpy() {
    const CHARS: &str = "?bBhHiIlLqQefdgFDGOSUVMm";
    let (mut checked, mut wrong) = (0, vec![]);
    for (name, table) in expected() {
        let Some(def) = ufuncs::table::UFUNCS.iter().find(|d| d.name == name) else { continue };
        let mut uf = Ufunc::from_def(def).unwrap();
        let objects: String = "O".repeat(uf.nin);
        if let Some(t) = table.get(&objects) {
            let def = LoopDef {
                types: types(t).into(),
                func: no_loop,
                aux: std::ptr::null_mut(),
                flags: LoopFlags::NONE,
                fold: None,
            };
            uf.loops.push(Loop::from(def));
        }
        let mut combos: Vec<String> = CHARS.chars().map(String::from).collect();
        if uf.nin == 2 {
            let first = combos.clone();
            combos = first.iter().flat_map(|a| CHARS.chars().map(move |b| format!("{a}{b}"))).collect();
            combos.extend(first.iter().flat_map(|a| ["int", "float", "complex"].map(|w| format!("{a},{w}"))));
        } else if uf.nin > 2 {
            combos = table.keys().cloned().collect();
        }
        for combo in combos {
            let (want, got) = (table.get(&combo).cloned(), answer(&uf, &combo));
            checked += 1;
            if want != got {
                wrong.push(format!("{name} {combo}: {got:?}, numpy {want:?}"));
            }
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {checked} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(checked > 28_000, "{checked}");
}

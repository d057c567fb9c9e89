#![allow(clippy::all, unused)]
use micronumpy::array::*;
use micronumpy::dtype::{Dtype, typestr::parse};
use micronumpy::*;
fn list(s: &str) -> Vec<isize> {
    s.trim_matches(|c| c == '[' || c == ']')
        .split(',')
        .filter(|x| !x.trim().is_empty())
        .map(|x| x.trim().parse().unwrap())
        .collect()
}
fn unhex(s: &str) -> Vec<u8> {
    (0..s.len() / 2).map(|i| u8::from_str_radix(&s[2 * i..2 * i + 2], 16).unwrap()).collect()
}
fn hex(b: &[u8]) -> String {
    b.iter().map(|x| format!("{x:02x}")).collect()
}
#[test]
fn casts() {
    let text = std::fs::read_to_string("/tmp/e/cases.txt").unwrap();
    let (mut ok, mut bad) = (0, std::collections::BTreeMap::<String, Vec<String>>::new());
    for line in text.lines() {
        let p: Vec<&str> = line.splitn(4, '|').collect();
        let (a, b) = (parse(p[0]).unwrap(), parse(p[1]).unwrap());
        let mut src = unhex(p[2]);
        let mut dst = vec![0u8; b.itemsize];
        let r = unsafe { cast::convert_item(&a, src.as_mut_ptr(), &b, dst.as_mut_ptr()) };
        let got = match r {
            Ok(_) => hex(&dst),
            Err(e) => format!("!{e}"),
        };
        let want = if p[3].starts_with('!') {
            format!("!{}", p[3].splitn(2, ':').nth(1).unwrap())
        } else {
            p[3].to_string()
        };
        // long double padding bytes
        let clean = |s: &str| -> String {
            if s.starts_with('!') {
                return s.to_string();
            }
            let mut v = unhex(s);
            if b.num == TypeNum::LONGDOUBLE || b.num == TypeNum::CLONGDOUBLE {
                for (i, x) in v.iter_mut().enumerate() {
                    let k = i % 16;
                    if (if b.is_swapped() { k < 6 } else { k >= 10 }) {
                        *x = 0;
                    }
                }
            }
            hex(&v)
        };
        if clean(&got) == clean(&want) {
            ok += 1
        } else {
            bad.entry(format!("{}->{}", p[0], p[1]))
                .or_default()
                .push(format!("{} want {want} got {got}", p[2]))
        }
    }
    println!("casts ok {ok}, bad pairs {}, bad {}", bad.len(), bad.values().map(|v| v.len()).sum::<usize>());
    for (k, v) in &bad {
        println!("{k}: {} e.g. {}", v.len(), v[0]);
    }
}
#[test]
fn shapes() {
    let text = std::fs::read_to_string("/tmp/e/shapes.txt").unwrap();
    let (mut ok, mut bad) = (0, 0);
    for line in text.lines() {
        let p: Vec<&str> = line.split('|').collect();
        let r = reshape_view(&list(p[0]), &list(p[1]), &list(p[2]), 4, p[3] == "F");
        let got = r.map_or("copy".to_string(), |d| format!("{:?}", d.as_slice()));
        if got == p[4] {
            ok += 1
        } else {
            bad += 1;
            if bad < 10 {
                println!("{line} got {got}");
            }
        }
    }
    println!("shapes ok {ok} bad {bad}");
}
#[test]
fn overlaps() {
    let text = std::fs::read_to_string("/tmp/e/overlap.txt").unwrap();
    let (mut ok, mut bad) = (0, 0);
    let mut buf = vec![0u8; 64];
    for line in text.lines() {
        let p: Vec<&str> = line.split('|').collect();
        let (s1, t1, s2, t2) = (list(p[1]), list(p[2]), list(p[5]), list(p[6]));
        let (d1, d2) = (Dtype::void(p[3].parse().unwrap()), Dtype::void(p[7].parse().unwrap()));
        let a = unsafe { ArrayRef::new(buf.as_mut_ptr().add(p[0].parse().unwrap()), &s1, &t1, &d1) };
        let b = unsafe { ArrayRef::new(buf.as_mut_ptr().add(p[4].parse().unwrap()), &s2, &t2, &d2) };
        let r = overlap::solve_may_share_memory(&a, &b, -1) == overlap::Overlap::Yes;
        let i = overlap::solve_internal_overlap(&a, -1) == overlap::Overlap::Yes;
        if (r as u8).to_string() == p[8] && (i as u8).to_string() == p[9] {
            ok += 1
        } else {
            bad += 1;
            if bad < 10 {
                println!("{line} got {r} {i}");
            }
        }
    }
    println!("overlap ok {ok} bad {bad}");
}
fn arr(shape: &[isize], v: &[isize], f: bool) -> NdArray {
    let a = NdArray::empty(shape, &Dtype::intp(), Order::C).unwrap();
    for (i, x) in v.iter().enumerate() {
        unsafe { a.data().cast::<isize>().add(i).write(*x) }
    }
    if f { NdArray::copy_of(&a.view(), Order::F).unwrap() } else { a }
}
fn values(a: &ArrayRef<'_>) -> Vec<isize> {
    let c = NdArray::copy_of(a, Order::C).unwrap();
    (0..a.size()).map(|i| unsafe { c.data().cast::<isize>().add(i).read() }).collect()
}
#[test]
fn indexes() {
    use index::*;
    let text = std::fs::read_to_string("/tmp/e/index.txt").unwrap();
    let (mut ok, mut bad) = (0, 0);
    for line in text.lines() {
        let p: Vec<&str> = line.splitn(4, '|').collect();
        let (shape, strides) = (list(p[0]), list(p[1]));
        let n: isize = shape.iter().product();
        let base = arr(&[n], &(0..n).collect::<Vec<_>>(), false);
        let mut arrays = Vec::new();
        for it in p[2].split('/').filter(|s| s.starts_with('a') || s.starts_with('m')) {
            let q: Vec<&str> = it[1..].split(';').collect();
            let (sh, v) = (list(q[0]), list(q[1]));
            if it.starts_with('a') {
                arrays.push(arr(&sh, &v, q[2] == "F"));
            } else {
                let m = NdArray::empty(&sh, &Dtype::bool(), Order::C).unwrap();
                for (i, x) in v.iter().enumerate() {
                    unsafe { *m.data().add(i) = *x as u8 }
                }
                arrays.push(m);
            }
        }
        let mut k = 0;
        let opt = |s: &str| s.parse::<isize>().ok();
        let items: Vec<Item> = p[2]
            .split('/')
            .filter(|s| !s.is_empty())
            .map(|it| match it.as_bytes()[0] {
                b'i' => Item::Int(it[1..].parse().unwrap()),
                b's' => {
                    let q: Vec<&str> = it[1..].split(',').collect();
                    Item::Slice { start: opt(q[0]), stop: opt(q[1]), step: opt(q[2]) }
                }
                b'n' => Item::NewAxis,
                b'e' => Item::Ellipsis,
                b'b' => Item::Bool(it == "b1"),
                b'a' => {
                    k += 1;
                    Item::IntArray(arrays[k - 1].view())
                }
                _ => {
                    k += 1;
                    Item::BoolArray(arrays[k - 1].view())
                }
            })
            .collect();
        let got = match plan(&shape, &strides, &items) {
            Err(e) => format!("!{e}"),
            Ok(Plan::View(v)) => {
                let a = unsafe {
                    ArrayRef::new(base.data().wrapping_offset(v.offset), &v.shape, &v.strides, &base.dtype)
                };
                format!("{:?}|{:?}|{:?}", &v.shape[..], &v.strides[..], values(&a))
            }
            Ok(Plan::Fancy(f)) => {
                let r = unsafe { f.take(base.data(), &base.dtype).unwrap() };
                format!("{:?}|{:?}|{:?}", r.shape, r.strides, values(&r.view()))
            }
            Ok(Plan::Mask(m)) => {
                let r = unsafe { m.take(base.data(), &base.dtype).unwrap() };
                format!("{:?}|{:?}|{:?}", r.shape, r.strides, values(&r.view()))
            }
        };
        // strides of empty arrays are all zero in numpy
        let norm = |s: &str| -> String {
            let q: Vec<&str> = s.splitn(3, '|').collect();
            if q.len() == 3 && q[2] == "[]" {
                format!("{}|x|[]", q[0])
            } else if q.len() == 3 {
                let (sh, st) = (list(q[0]), list(q[1]));
                format!(
                    "{}|{:?}|{}",
                    q[0],
                    sh.iter().zip(&st).map(|(n, s)| if *n == 1 { 0 } else { *s }).collect::<Vec<_>>(),
                    q[2]
                )
            } else {
                s.to_string()
            }
        };
        if norm(&got) == norm(p[3]) {
            ok += 1
        } else {
            bad += 1;
            if bad < 14 {
                println!("{line}\n   got {got}");
            }
        }
    }
    println!("index ok {ok} bad {bad}");
}
#[test]
fn einsums() {
    use ops::einsum::*;
    let text = std::fs::read_to_string("/tmp/e/einsum.txt").unwrap();
    let (mut ok, mut bad) = (0, 0);
    for line in text.lines() {
        let p: Vec<&str> = line.splitn(3, '|').collect();
        let arrays: Vec<NdArray> = p[1]
            .split('/')
            .map(|o| {
                let q: Vec<&str> = o.split(';').collect();
                let c = arr(&list(q[0]), &list(q[1]), false);
                let st = list(q[2]);
                if st != c.strides { arr(&list(q[0]), &list(q[1]), true) } else { c }
            })
            .collect();
        let views: Vec<ArrayRef> = arrays.iter().map(|a| a.view()).collect();
        let nd: Vec<usize> = views.iter().map(|v| v.ndim()).collect();
        let got = (|| -> Result<String> {
            let plan = parse(p[0], &nd)?;
            if views.len() == 1 {
                if let Some(v) = plan.view(views[0].shape, views[0].strides)? {
                    let a = unsafe { ArrayRef::new(views[0].data, &v.shape, &v.strides, views[0].dtype) };
                    return Ok(format!("{:?}|{:?}|{:?}", &v.shape[..], &v.strides[..], values(&a)));
                }
            }
            let l = plan.layout(&views, None)?;
            let sh = l.out_shape().to_vec();
            let mut out = NdArray::zeros(&sh, &Dtype::intp(), Order::C)?;
            out.strides = l.out_strides(8, Order::Keep);
            einsum(&plan, &views, &out.view())?;
            Ok(format!("{:?}|{:?}|{:?}", out.shape, out.strides, values(&out.view())))
        })()
        .unwrap_or_else(|e| format!("!{e}"));
        if got == p[2] {
            ok += 1
        } else {
            bad += 1;
            if bad < 12 {
                println!("{line}\n   got {got}");
            }
        }
    }
    println!("einsum ok {ok} bad {bad}");
}

//! Every file of the corpus. `BLESS=1` writes what is expected, an argument (`-- fold`) picks files by their path.

use std::path::{Path, PathBuf};
use std::{env, fs};

use jit_filetests::subtests;

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    for path in entries.map(|e| e.expect("an entry").path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "trace") {
            files.push(path);
        }
    }
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let bless = env::var_os("BLESS").is_some_and(|v| v == "1");
    let wanted: Vec<String> = env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let mut files = vec![];
    collect(&root, &mut files);
    files.sort();
    let mut failed = 0;
    let mut tested = 0;
    for path in files {
        let name = path.strip_prefix(&root).expect("a file below the corpus").display().to_string();
        if !wanted.is_empty() && !wanted.iter().any(|w| name.contains(w.as_str())) {
            continue;
        }
        tested += 1;
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
        match subtests::test(&text, bless) {
            Ok(None) => println!("ok {name}"),
            Ok(Some(new)) => {
                fs::write(&path, new).unwrap_or_else(|e| panic!("{name}: {e}"));
                println!("blessed {name}");
            }
            Err(e) => {
                failed += 1;
                println!("FAILED {name}\n{e}\n");
            }
        }
    }
    println!("{tested} files, {failed} failed");
    assert!(tested > 0 || !wanted.is_empty(), "there is no corpus");
    if failed > 0 {
        std::process::exit(1);
    }
}

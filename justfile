# Recipes for people. Anything longer than three lines is a Rust program.

results := env("CARGO_TARGET_DIR", "target") / "numpy-tests/results.jsonl"
history := env("CARGO_TARGET_DIR", "target") / "history"
baseline := "numpy-tests/data/baseline-2.4.6.jsonl.gz"
status := env("CARGO_TARGET_DIR", "target") / "status"

_list:
    @{{just_executable()}} --list --unsorted

# format and lints, as strict as they get
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# every test of the workspace
test *args:
    cargo test --release --workspace {{args}}

# run a program, or a REPL
run *args:
    cargo run --release -- {{args}}

# numpy's own suite, or the given files of it
upstream *args:
    cargo build --release
    cargo run --release -p numpy-tests -- run --out {{results}} {{args}}

# the site about all runs that were added; adds the last run of numpy's suite
status:
    cargo run --release -p status-report -- add --history {{history}} --baseline {{baseline}} --results {{results}}
    cargo run --release -p status-report -- site --history {{history}} --baseline {{baseline}} --out {{status}}

# build, measure everything, keep it, make the site
nightly *args:
    cargo run --release -p numpy-tests -- nightly --history {{history}} --site {{status}} {{args}}

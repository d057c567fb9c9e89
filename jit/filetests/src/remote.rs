//! Runs code for another processor, in a process on an emulator of it.
//!
//! `driver/driver.c` is the other side and says what goes over the pipes. Requests and answers alternate, so that when the
//! driver dies it is known of what.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use jit::ir::{Const, Scalar, Trace};

use crate::case::{Arg, Case, Outcome};

/// A running driver.
pub struct Remote {
    child: Child,
    to: BufWriter<ChildStdin>,
    from: BufReader<ChildStdout>,
    /// Name, entry, and entry for arrays of the functions traces may call.
    functions: Vec<(String, usize, usize)>,
}

fn word(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn bytes(from: &mut impl Read, n: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; n];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

impl Remote {
    /// Compiles the driver into a folder and starts it.
    ///
    /// # Errors
    /// A tool is missing or fails.
    pub fn start(compiler: &str, emulator: &[&str], folder: &Path) -> Result<Remote, String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("driver/driver.c");
        let program = folder.join("driver");
        let mut compile = Command::new(compiler);
        compile.args(["-O1", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-static", "-o"]);
        let status = compile.arg(&program).arg(source).status().map_err(|e| format!("{compiler}: {e}"))?;
        if !status.success() {
            return Err(format!("{compiler} does not compile the driver"));
        }
        let mut child = Command::new(emulator[0])
            .args(&emulator[1..])
            .arg(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}", emulator[0]))?;
        let to = BufWriter::new(child.stdin.take().expect("a pipe was asked for"));
        let from = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
        let mut remote = Remote { child, to, from, functions: vec![] };
        remote.greet().map_err(|e| format!("the driver does not start: {e}"))?;
        Ok(remote)
    }
    fn greet(&mut self) -> io::Result<()> {
        for _ in 0..word(&mut self.from)? {
            let name = bytes(&mut self.from, 32)?;
            let name = String::from_utf8_lossy(&name).trim_end_matches('\0').to_string();
            let (addr, tile) = (word(&mut self.from)?, word(&mut self.from)?);
            self.functions.push((name, addr as usize, tile as usize));
        }
        Ok(())
    }

    /// Gives the calls of a trace the addresses they have in the driver. [`crate::externs::link`] checks their types.
    ///
    /// # Errors
    /// The driver lacks one.
    pub fn link(&self, tr: &mut Trace) -> Result<(), String> {
        for call in &mut tr.calls {
            let found = self.functions.iter().find(|f| f.0 == call.name);
            let (_, addr, tile) = found.ok_or_else(|| format!("the driver lacks {}", call.name))?;
            (call.addr, call.tile) = (*addr, *tile);
        }
        Ok(())
    }

    /// Runs the code of a trace.
    ///
    /// # Errors
    /// Something the code must not do.
    pub fn run(&mut self, tr: &Trace, code: &[u8], case: &Case) -> Result<Outcome, String> {
        self.exchange(tr, code, case).unwrap_or_else(|e| {
            let status = self.child.wait().map_or_else(|e| e.to_string(), |s| s.to_string());
            Err(format!("the driver died: {e}, {status}"))
        })
    }
    fn exchange(&mut self, tr: &Trace, code: &[u8], case: &Case) -> io::Result<Result<Outcome, String>> {
        let mut request: Vec<u8> = vec![];
        let mut put = |word: u64| request.extend(word.to_le_bytes());
        put(code.len() as u64);
        put(tr.slots() as u64);
        put(case.buffers.len() as u64);
        for i in 0..tr.slots() {
            let (which, value) = match case.args.get(i) {
                Some(&Arg::Pointer { buffer, offset }) => (buffer as u64, offset as u64),
                Some(Arg::Scalar(c)) => (u64::MAX, c.bits),
                None => (u64::MAX, 0),
            };
            put(which);
            put(value);
        }
        for buffer in &case.buffers {
            let bytes = buffer.bytes();
            request.extend((bytes.len() as u64).to_le_bytes());
            request.extend(bytes);
        }
        request.extend(code);
        self.to.write_all(&request)?;
        self.to.flush()?;

        let number = word(&mut self.from)?;
        let slots: Vec<u64> = (0..tr.slots()).map(|_| word(&mut self.from)).collect::<io::Result<_>>()?;
        let (mut buffers, mut places, mut damaged) = (vec![], vec![], false);
        for buffer in &case.buffers {
            let len = buffer.bytes().len();
            places.push((word(&mut self.from)?, len as u64));
            damaged |= word(&mut self.from)? != 0;
            buffers.push(buffer.read(&bytes(&mut self.from, len)?));
        }
        let calls = (0..word(&mut self.from)?).map(|_| word(&mut self.from)).collect::<io::Result<_>>()?;
        if damaged {
            return Ok(Err("bytes in front of a buffer were written".into()));
        }
        let Some(snap) = tr.snapshots.get(number as usize) else {
            return Ok(Err(format!("there is no exit {number}")));
        };
        let values = snap.values.iter().zip(slots).map(|(&v, bits)| {
            let scalar = tr.ty(v).scalar;
            // An address in a buffer is told as buffer and byte, as `run` does.
            let inside = places.iter().enumerate().find_map(|(k, &(start, len))| {
                Some((k as u64 + 1) << 32 | bits.checked_sub(start).filter(|&d| d <= len)?)
            });
            Const { scalar, bits: inside.filter(|_| scalar == Scalar::Ptr).unwrap_or(bits) }
        });
        Ok(Ok(Outcome { key: snap.key, values: values.collect(), calls, buffers }))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

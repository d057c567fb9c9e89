//! Core signatures of generalized ufuncs: `(m?,n),(n,p?)->(m?,p?)`.

use crate::error::{Error, Result};

/// One distinct core dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreDim {
    pub name: String,
    /// A frozen size, such as the 3 of `(3),(3)->(3)`.
    pub size: Option<isize>,
    /// Marked `?`: operands may lack it.
    pub optional: bool,
}

/// A parsed core signature.
#[derive(Clone, Debug)]
pub struct CoreSignature {
    /// As written, without white space.
    pub text: String,
    pub dims: Vec<CoreDim>,
    /// For every operand the indices of its core dimensions in `dims`.
    pub operands: Vec<Vec<usize>>,
}

impl CoreSignature {
    /// Parse a signature for `nin` inputs and `nout` outputs.
    ///
    /// # Errors
    /// In numpy's words, with the position of the trouble.
    pub fn parse(text: &str, nin: usize, nout: usize) -> Result<CoreSignature> {
        let mut p = Parser { text, bytes: text.as_bytes(), at: 0 };
        let mut out = CoreSignature {
            text: text.chars().filter(|c| !c.is_whitespace()).collect(),
            dims: vec![],
            operands: vec![],
        };
        p.skip_space();
        let mut arg = 0;
        while p.at < p.bytes.len() {
            if arg == nin && !p.eat_arrow() {
                return Err(p.fail("expect '->'"));
            }
            p.skip_space();
            if !p.eat(b'(') {
                return Err(p.fail("expect '('"));
            }
            p.skip_space();
            let mut mine = vec![];
            while p.peek() != Some(b')') {
                let dim = p.dimension()?;
                // Sizes are the same whatever zeros they start with.
                let same = |d: &CoreDim| d.name == dim.name || d.size.is_some() && d.size == dim.size;
                let index = match out.dims.iter().position(same) {
                    Some(i) if out.dims[i].optional != dim.optional => {
                        p.at -= usize::from(dim.optional);
                        return Err(p.fail(if dim.optional {
                            "? cannot be used, name already seen without ?"
                        } else {
                            "? must be used, name already seen with ?"
                        }));
                    }
                    Some(i) => i,
                    None => {
                        out.dims.push(dim);
                        out.dims.len() - 1
                    }
                };
                mine.push(index);
                p.skip_space();
                if p.eat(b',') {
                    p.skip_space();
                    if p.peek() == Some(b')') {
                        return Err(p.fail("',' must not be followed by ')'"));
                    }
                } else if p.peek() != Some(b')') {
                    return Err(p.fail("expect ',' or ')'"));
                }
            }
            p.at += 1;
            p.skip_space();
            out.operands.push(mine);
            arg += 1;
            if arg != nin && arg != nin + nout {
                if !p.eat(b',') {
                    return Err(p.fail("expect ','"));
                }
                p.skip_space();
            }
        }
        if arg != nin + nout {
            return Err(p.fail("incomplete signature: not all arguments found"));
        }
        Ok(out)
    }
    /// Number of core dimensions of one operand.
    pub fn core_ndim(&self, operand: usize) -> usize {
        self.operands[operand].len()
    }
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
    fn eat(&mut self, c: u8) -> bool {
        let hit = self.peek() == Some(c);
        self.at += usize::from(hit);
        hit
    }
    fn eat_arrow(&mut self) -> bool {
        let hit = self.bytes[self.at..].starts_with(b"->");
        self.at += if hit { 2 } else { 0 };
        hit
    }
    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }
    fn fail(&self, what: &str) -> Error {
        Error::value(format!("{what} at position {} in \"{}\"", self.at, self.text))
    }
    fn dimension(&mut self) -> Result<CoreDim> {
        let start = self.at;
        let mut size = None;
        match self.peek() {
            Some(c) if c.is_ascii_digit() => {
                while self.peek().is_some_and(|c| c.is_ascii_digit()) {
                    self.at += 1;
                }
                match self.text[start..self.at].parse::<isize>() {
                    Ok(n) if n > 0 => size = Some(n),
                    _ => {
                        self.at = start;
                        return Err(self.fail("expect dimension name or non-zero frozen size"));
                    }
                }
            }
            Some(c) if c.is_ascii_alphabetic() || c == b'_' => {
                while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == b'_') {
                    self.at += 1;
                }
            }
            _ => return Err(self.fail("expect dimension name or non-zero frozen size")),
        }
        let name = self.text[start..self.at].to_string();
        let optional = self.eat(b'?');
        Ok(CoreDim { name, size, optional })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_parse() {
        let s = CoreSignature::parse("(n?,k),(k,m?)->(n?,m?)", 2, 1).unwrap();
        assert_eq!(s.operands, [vec![0, 1], vec![1, 2], vec![0, 2]]);
        assert!(s.dims[0].optional && !s.dims[1].optional && s.dims[2].optional);
        let s = CoreSignature::parse(" (3), ( 3 ) -> ( )", 2, 1).unwrap();
        assert_eq!((s.dims[0].size, s.operands[2].len(), s.text.as_str()), (Some(3), 0, "(3),(3)->()"));
        let s = CoreSignature::parse("(3),(03,3),(n)->(9)", 3, 1).unwrap();
        assert_eq!(s.operands, [vec![0], vec![0, 0], vec![1], vec![2]]);
        for bad in ["(i),(j)->", "(i),i->()", "(i,),(j)->()", "(i)(j)->()", "(0),(i)->()", "(i?),(i)->()"] {
            assert!(CoreSignature::parse(bad, 2, 1).is_err(), "{bad}");
        }
    }
}

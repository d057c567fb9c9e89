//! Peters' merge sort of natural runs ("listsort", 2002), which is stable. Runs gallop only where a merge begins and ends.

use core::cmp::Ordering;

use super::{CompareFailed, Items, insertion};

/// Inputs are cut into runs of about this length or longer.
const RUN: usize = 16;

struct Run {
    start: usize,
    len: usize,
}

/// After an error `index` is as it was.
pub(super) fn sort(index: &mut [isize], items: &Items<'_>) -> Result<(), CompareFailed> {
    let before = index.to_vec();
    let sorted = merge_runs(index, items);
    if sorted.is_err() {
        index.copy_from_slice(&before);
    }
    sorted
}

fn merge_runs(index: &mut [isize], items: &Items<'_>) -> Result<(), CompareFailed> {
    let shortest = shortest_run(index.len());
    let mut sorter = Sorter { index, items, runs: Vec::new(), spare: Vec::new() };
    let mut start = 0;
    while start < sorter.index.len() {
        let len = next_run(&mut sorter.index[start..], shortest, items)?;
        sorter.runs.push(Run { start, len });
        sorter.collapse()?;
        start += len;
    }
    sorter.collapse_all()
}

/// A length so that the number of runs is a power of two or just below one.
fn shortest_run(n: usize) -> usize {
    let shift = (0..).find(|&shift| n >> shift <= RUN).unwrap_or(0);
    (n >> shift) + usize::from(n & ((1 << shift) - 1) != 0)
}

/// Sorts a first run, as long as it comes naturally and at least `shortest`; returns its length.
fn next_run(index: &mut [isize], shortest: usize, items: &Items<'_>) -> Result<usize, CompareFailed> {
    let n = index.len();
    if n == 1 {
        return Ok(1);
    }
    let not_after = |a, b| items.order(a, b).map(|order| order != Ordering::Greater);
    let ascends = not_after(index[0], index[1])?;
    let mut len = 2;
    if ascends {
        while len < n && not_after(index[len - 1], index[len])? {
            len += 1;
        }
    } else {
        while len < n && items.less(index[len], index[len - 1])? {
            len += 1;
        }
        index[..len].reverse();
    }
    if len < shortest {
        let end = shortest.min(n);
        insertion(&mut index[..end], len, items)?;
        len = end;
    }
    Ok(len)
}

struct Sorter<'a> {
    index: &'a mut [isize],
    items: &'a Items<'a>,
    /// Sorted runs, one behind the other.
    runs: Vec<Run>,
    spare: Vec<isize>,
}

impl Sorter<'_> {
    fn len(&self, from_top: usize) -> usize {
        self.runs[self.runs.len() - from_top].len
    }

    /// Merges until every run is longer than the two behind it together.
    fn collapse(&mut self) -> Result<(), CompareFailed> {
        while self.runs.len() > 1 {
            let (n, b, c) = (self.runs.len(), self.len(2), self.len(1));
            let crowded = (n > 2 && self.len(3) <= b + c) || (n > 3 && self.len(4) <= self.len(3) + b);
            if crowded {
                self.merge(if self.len(3) <= c { n - 3 } else { n - 2 })?;
            } else if b <= c {
                self.merge(n - 2)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    fn collapse_all(&mut self) -> Result<(), CompareFailed> {
        while self.runs.len() > 1 {
            let n = self.runs.len();
            self.merge(if n > 2 && self.len(3) <= self.len(1) { n - 3 } else { n - 2 })?;
        }
        Ok(())
    }

    /// Merges a run with the one behind it.
    fn merge(&mut self, at: usize) -> Result<(), CompareFailed> {
        let second = self.runs.remove(at + 1);
        let first = &mut self.runs[at];
        let (start, middle, end) = (first.start, second.start, second.start + second.len);
        first.len += second.len;
        let items = self.items;
        // What is in place already stays out of the merge.
        let start = start + after(&self.index[start..middle], self.index[middle], items)?;
        if start == middle {
            return Ok(());
        }
        let end = middle + before(&self.index[middle..end], self.index[middle - 1], items)?;
        let part = &mut self.index[start..end];
        self.spare.clear();
        if end - middle < middle - start {
            self.spare.extend_from_slice(&part[middle - start..]);
            merge_from_end(part, middle - start, &self.spare, items)
        } else {
            self.spare.extend_from_slice(&part[..middle - start]);
            merge_from_start(part, &self.spare, items)
        }
    }
}

/// How many of the sorted `index` belong before `key`, equal ones included. Looks from the start in steps that double.
fn after(index: &[isize], key: isize, items: &Items<'_>) -> Result<usize, CompareFailed> {
    if items.less(key, index[0])? {
        return Ok(0);
    }
    let (mut low, mut high) = (0, 1);
    while high < index.len() && !items.less(key, index[high])? {
        (low, high) = (high, 2 * high + 1);
    }
    high = high.min(index.len());
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if items.less(key, index[middle])? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

/// How many of the sorted `index` are less than `key`. Looks from the end in steps that double.
fn before(index: &[isize], key: isize, items: &Items<'_>) -> Result<usize, CompareFailed> {
    let n = index.len();
    if items.less(index[n - 1], key)? {
        return Ok(n);
    }
    // Distances from the end: that at `near` is not less, that at `far` is, or lies before the start.
    let (mut near, mut far) = (0, 1);
    while far < n && !items.less(index[n - 1 - far], key)? {
        (near, far) = (far, 2 * far + 1);
    }
    far = far.min(n);
    // One more than the place of an item that is less, and the place of one that is not.
    let (mut low, mut high) = (n - far, n - 1 - near);
    while low < high {
        let middle = (low + high).div_ceil(2) - 1;
        if items.less(index[middle], key)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(high)
}

/// Merges `first`, a copy of the front of `part`, with the rest of `part`, whose first item comes before all of `first`.
fn merge_from_start(part: &mut [isize], first: &[isize], items: &Items<'_>) -> Result<(), CompareFailed> {
    let (mut from, mut to) = (first.len(), 1);
    part[0] = part[from];
    from += 1;
    let mut taken = 0;
    while taken < first.len() && from < part.len() {
        if items.less(part[from], first[taken])? {
            part[to] = part[from];
            from += 1;
        } else {
            part[to] = first[taken];
            taken += 1;
        }
        to += 1;
    }
    part[to..to + first.len() - taken].copy_from_slice(&first[taken..]);
    Ok(())
}

/// Merges the first `middle` of `part` with `second`, a copy of the rest, before all of which the last of them does not come.
fn merge_from_end(
    part: &mut [isize],
    middle: usize,
    second: &[isize],
    items: &Items<'_>,
) -> Result<(), CompareFailed> {
    let (mut left, mut to, mut rest) = (middle - 1, part.len() - 1, second.len());
    part[to] = part[left];
    while rest > 0 && left > 0 {
        to -= 1;
        if items.less(second[rest - 1], part[left - 1])? {
            left -= 1;
            part[to] = part[left];
        } else {
            rest -= 1;
            part[to] = second[rest];
        }
    }
    part[left..left + rest].copy_from_slice(&second[..rest]);
    Ok(())
}

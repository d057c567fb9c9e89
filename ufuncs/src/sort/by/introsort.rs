//! Quicksort by the median of three, with insertion for short parts and heapsort where it goes badly (Musser, "Introspective
//! sorting and selection algorithms", Software: Practice and Experience 27(8), 1997).

use super::{CompareFailed, Items, insertion};

/// Parts up to this length are sorted by insertion.
const SHORT: usize = 16;

pub(super) fn sort(index: &mut [isize], items: &Items<'_>) -> Result<(), CompareFailed> {
    let Some(log) = index.len().checked_ilog2() else { return Ok(()) };
    // Parts that wait, with how often they may still be divided.
    let mut waiting = vec![(0, index.len(), 2 * log as i32)];
    while let Some((mut start, mut end, mut depth)) = waiting.pop() {
        if depth < 0 {
            heapsort(&mut index[start..end], items)?;
            continue;
        }
        while end - start > SHORT {
            let middle = start + divide(&mut index[start..end], items)?;
            depth -= 1;
            // The longer side waits, so that few do at a time.
            if middle - start < end - 1 - middle {
                waiting.push((middle + 1, end, depth));
                end = middle;
            } else {
                waiting.push((start, middle, depth));
                start = middle + 1;
            }
        }
        insertion(&mut index[start..end], 1.min(end - start), items)?;
    }
    Ok(())
}

/// Moves what is less than a pivot before it and what is greater behind; returns where the pivot is. At least four positions.
fn divide(part: &mut [isize], items: &Items<'_>) -> Result<usize, CompareFailed> {
    let last = part.len() - 1;
    let middle = last / 2;
    for (a, b) in [(middle, 0), (last, middle), (middle, 0)] {
        if items.less(part[a], part[b])? {
            part.swap(a, b);
        }
    }
    let pivot = part[middle];
    let (mut i, mut j) = (0, last - 1);
    part.swap(middle, j);
    loop {
        // The ends would stop an order, and the bounds stop anything else.
        loop {
            i += 1;
            if !items.less(part[i], pivot)? || i == last - 1 {
                break;
            }
        }
        loop {
            j -= 1;
            if !items.less(pivot, part[j])? || j == 0 {
                break;
            }
        }
        if i >= j {
            break;
        }
        part.swap(i, j);
    }
    part.swap(i, last - 1);
    Ok(i)
}

fn heapsort(part: &mut [isize], items: &Items<'_>) -> Result<(), CompareFailed> {
    for root in (0..part.len() / 2).rev() {
        sift(part, root, items)?;
    }
    for end in (1..part.len()).rev() {
        part.swap(0, end);
        sift(&mut part[..end], 0, items)?;
    }
    Ok(())
}

/// Moves the item at `root` down until none below it is greater.
fn sift(heap: &mut [isize], mut root: usize, items: &Items<'_>) -> Result<(), CompareFailed> {
    loop {
        let mut child = 2 * root + 1;
        if child >= heap.len() {
            return Ok(());
        }
        if child + 1 < heap.len() && items.less(heap[child], heap[child + 1])? {
            child += 1;
        }
        if !items.less(heap[root], heap[child])? {
            return Ok(());
        }
        heap.swap(root, child);
        root = child;
    }
}

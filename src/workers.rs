//! Independent pieces of work side by side, with results as if they had been done one after the other.

/// Pieces below this number are not worth a thread.
const LEAST: usize = 64;
/// Threads that share a list. More than two cores are rarely free where a pipeline runs.
const MOST: usize = 4;

/// Does `work` for every item; results come in the order of the items, whoever was done first.
pub fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let parts = chunks(items, |part| part.iter().map(&work).collect::<Vec<R>>());
    parts.into_iter().flatten().collect()
}

/// Does `work` for consecutive parts of a list, which together are the list; results in their order.
pub fn chunks<T: Sync, R: Send>(items: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST);
    let size = items.len().div_ceil(threads).max(LEAST);
    let (first, rest) = items.split_at(size.min(items.len()));
    let mut results: Vec<Option<R>> = rest.chunks(size).map(|_| None).collect();
    let mut done = Vec::with_capacity(results.len() + 1);
    std::thread::scope(|scope| {
        for (part, result) in rest.chunks(size).zip(&mut results) {
            let work = &work;
            scope.spawn(move || *result = Some(work(part)));
        }
        done.push(work(first));
    });
    done.extend(results.into_iter().flatten());
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        for count in [0usize, 1, 63, 64, 65, 1000, 1001] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(each(&items, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
            assert_eq!(chunks(&items, <[usize]>::to_vec).concat(), items);
        }
    }
}

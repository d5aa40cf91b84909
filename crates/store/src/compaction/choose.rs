//! Which files of a table to merge next.
//!
//! A file belongs to the smallest window that holds it: a day, eight days or sixty-four, each counted from the epoch.
//! - Within a day, the newest files are merged once there are [`TRIGGER`] of them that are each not larger than those after
//!   it together: sizes then grow by doubling, and a row is rewritten about once per doubling.
//! - While files come faster than so many in [`FLOOD`], neighbours of about the same size are merged once there are
//!   [`FLOOD_TRIGGER`] of them: sizes grow eightfold then, and a row is rewritten a third as often while there is most to do.
//! - When no file came to a window for a while, all its files are merged into one.
//! - When the windows inside of a larger one are done, and small, they are merged too, so that years of a slow sensor are a
//!   handful of files.
//!
//! - A file with deleted rows is written anew, alone if need be.
//!
//! Nothing is merged into more than the given size.

use std::collections::BTreeMap;
use std::time::Duration;

use sensorium_model::time::day_of;

/// Small files of a day that are merged as soon as there are so many.
pub(crate) const TRIGGER: usize = 4;

/// Files of about the same size that are merged while [`TRIGGER`] of a day came within [`FLOOD`].
const FLOOD_TRIGGER: usize = 2 * TRIGGER;

/// Files come fast when [`TRIGGER`] of a day are younger than this.
const FLOOD: Duration = Duration::from_secs(30);

/// So many times the smallest of them the largest of files of about the same size is. Less than [`FLOOD_TRIGGER`], so that what
/// was merged is not merged again with what it was made of.
const SAME_SIZE: u64 = 4;

/// Files that are merged at once at most.
pub(crate) const FAN_IN: usize = 32;

/// Days in a window of each level.
const WINDOW_DAYS: [i64; 3] = [1, 8, 64];

/// Windows of more than a day are filled up to this size only, in bytes: larger files gain nothing from being joined.
const WIDE_BYTES: u64 = 64 << 20;

/// Windows of more than a day are at most this part of the time for which rows are kept.
const KEPT_WINDOWS: u32 = 4;

/// What is known of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) bytes: u64,
    pub(crate) time_min_ns: i64,
    pub(crate) time_max_ns: i64,
    /// For how long the file has been there.
    pub(crate) age: Duration,
    /// Whether rows of it are deleted and still in it.
    pub(crate) has_deleted: bool,
}

/// When and how much to merge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// The largest result, in bytes.
    pub(crate) file_bytes: u64,
    /// A window without a new file for so long is complete.
    pub(crate) settle_after: Duration,
    /// For how long rows are kept: files are dropped as a whole, so none spans more than a fraction of it.
    pub(crate) keep: Option<Duration>,
}

/// The positions of the files to merge next, ascending; `files` are in order of age, oldest first.
pub(crate) fn choose(files: &[Candidate], rules: Rules) -> Option<Vec<usize>> {
    let is_narrow = |days: &&i64| {
        let window = Duration::from_secs(days.unsigned_abs() * 86_400);
        **days == 1 || rules.keep.is_none_or(|keep| window * KEPT_WINDOWS <= keep)
    };
    let merged = WINDOW_DAYS.iter().filter(is_narrow).find_map(|days| {
        let mut windows: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (position, file) in files.iter().enumerate() {
            let window = window(file.time_min_ns, *days);
            if window == self::window(file.time_max_ns, *days) {
                windows.entry(window).or_default().push(position);
            }
        }
        windows.values().filter(|positions| positions.len() > 1).find_map(|positions| {
            let chosen = if *days == 1 {
                let growing = if is_flood(files, positions) { alike } else { doubling };
                growing(files, positions).or_else(|| settled(files, positions, rules.file_bytes, rules))
            } else {
                settled(files, positions, rules.file_bytes.min(WIDE_BYTES), rules)
            };
            chosen.and_then(|chosen| closed(files, chosen, rules))
        })
    });
    merged.or_else(|| files.iter().position(|file| file.has_deleted).map(|position| vec![position]))
}

fn window(time_ns: i64, days: i64) -> i64 {
    day_of(time_ns).div_euclid(days)
}

/// The newest files of a day, each not larger than those after it together, if there are enough of them.
fn doubling(files: &[Candidate], positions: &[usize]) -> Option<Vec<usize>> {
    let mut sum = 0;
    let mut chosen: Vec<usize> = Vec::new();
    for position in positions.iter().rev().take(FAN_IN) {
        let bytes = files.get(*position)?.bytes;
        if !chosen.is_empty() && bytes > sum {
            break;
        }
        chosen.push(*position);
        sum += bytes;
    }
    chosen.reverse();
    (chosen.len() >= TRIGGER).then_some(chosen)
}

/// Whether files come fast.
fn is_flood(files: &[Candidate], positions: &[usize]) -> bool {
    let newest = positions.iter().rev().nth(TRIGGER - 1).and_then(|position| files.get(*position));
    newest.is_some_and(|file| file.age < FLOOD)
}

/// The newest neighbours in a day that are of about the same size, if there are enough of them.
fn alike(files: &[Candidate], positions: &[usize]) -> Option<Vec<usize>> {
    let mut chosen: Vec<usize> = Vec::new();
    let (mut least, mut most) = (u64::MAX, 0);
    for position in positions.iter().rev() {
        let bytes = files.get(*position)?.bytes;
        (least, most) = (least.min(bytes), most.max(bytes));
        if most > least.saturating_mul(SAME_SIZE) || chosen.len() == FAN_IN {
            if chosen.len() >= FLOOD_TRIGGER {
                break;
            }
            chosen.clear();
            (least, most) = (bytes, bytes);
        }
        chosen.push(*position);
    }
    chosen.reverse();
    (chosen.len() >= FLOOD_TRIGGER).then_some(chosen)
}

/// All files of a window to which none came for a while, or the first that fit into one.
fn settled(files: &[Candidate], positions: &[usize], most: u64, rules: Rules) -> Option<Vec<usize>> {
    let of = |position: &usize| files.get(*position);
    if !positions.iter().filter_map(of).all(|file| file.age >= rules.settle_after) {
        return None;
    }
    let mut chosen: Vec<usize> = Vec::new();
    let mut sum = 0;
    for position in positions {
        let bytes = of(position)?.bytes;
        if sum + bytes > most || chosen.len() == FAN_IN {
            if chosen.len() > 1 {
                break;
            }
            (chosen, sum) = (Vec::new(), 0);
            if bytes > most {
                continue;
            }
        }
        chosen.push(*position);
        sum += bytes;
    }
    (chosen.len() > 1).then_some(chosen)
}

/// Adds the files between the chosen ones that may hold one of their keys; `None` when that is too much.
fn closed(files: &[Candidate], mut chosen: Vec<usize>, rules: Rules) -> Option<Vec<usize>> {
    loop {
        let (first, last) = (*chosen.first()?, *chosen.last()?);
        let span = chosen.iter().filter_map(|position| files.get(*position));
        let (min, max) =
            span.fold((i64::MAX, i64::MIN), |(min, max), file| (min.min(file.time_min_ns), max.max(file.time_max_ns)));
        let overlaps = |file: &Candidate| file.time_min_ns <= max && file.time_max_ns >= min;
        let between = (first..last).filter(|position| !chosen.contains(position));
        let more: Vec<usize> = between.filter(|position| files.get(*position).is_some_and(overlaps)).collect();
        if more.is_empty() {
            break;
        }
        chosen.extend(more);
        chosen.sort_unstable();
    }
    let bytes: u64 = chosen.iter().filter_map(|position| files.get(*position)).map(|file| file.bytes).sum();
    (chosen.len() <= FAN_IN && bytes <= rules.file_bytes).then_some(chosen)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sensorium_model::time::NANOS_PER_DAY;

    use super::*;

    const RULES: Rules = Rules { file_bytes: 1_000, settle_after: Duration::from_secs(600), keep: None };

    fn file(day: i64, bytes: u64, age_seconds: u64) -> Candidate {
        let time_min_ns = day * NANOS_PER_DAY;
        Candidate {
            bytes,
            time_min_ns,
            time_max_ns: time_min_ns + 10,
            age: Duration::from_secs(age_seconds),
            has_deleted: false,
        }
    }

    fn young(sizes: &[u64]) -> Vec<Candidate> {
        sizes.iter().map(|bytes| file(0, *bytes, FLOOD.as_secs())).collect()
    }

    #[test]
    fn four_files_of_a_day_are_merged_and_larger_ones_before_them_wait() {
        assert_eq!(choose(&young(&[1, 1, 1]), RULES), None);
        assert_eq!(choose(&young(&[1, 1, 1, 1]), RULES), Some(vec![0, 1, 2, 3]));
        assert_eq!(choose(&young(&[400, 100, 1, 1, 1, 1]), RULES), Some(vec![2, 3, 4, 5]));
        assert_eq!(choose(&young(&[8, 4, 1, 1, 1, 1]), RULES), Some(vec![0, 1, 2, 3, 4, 5]));
    }

    #[test]
    fn while_files_come_fast_eight_of_them_are_waited_for() {
        let files: Vec<Candidate> = (0..8).map(|_| file(0, 1, FLOOD.as_secs() - 1)).collect();
        assert_eq!(choose(&files[..7], RULES), None);
        assert_eq!(choose(&files, RULES).map(|chosen| chosen.len()), Some(8));
        // The oldest of the four newest decides.
        let old = |count: usize| {
            let ages = (0..5).map(|position| if position < count { FLOOD.as_secs() } else { 1 });
            ages.map(|age| file(0, 1, age)).collect::<Vec<_>>()
        };
        assert_eq!(choose(&old(1), RULES), None);
        assert_eq!(choose(&old(2), RULES).map(|chosen| chosen.len()), Some(5));
    }

    #[test]
    fn while_files_come_fast_only_those_of_about_the_same_size_are_merged() {
        let fast = |sizes: &[u64]| sizes.iter().map(|bytes| file(0, *bytes, 1)).collect::<Vec<_>>();
        assert_eq!(choose(&fast(&[8, 1, 1, 1, 1, 1, 1, 1, 1]), RULES), Some((1..9).collect()));
        assert_eq!(choose(&fast(&[8, 8, 8, 8, 8, 8, 8, 1, 1, 1]), RULES), None);
        assert_eq!(choose(&fast(&[64, 8, 8, 8, 8, 8, 8, 8, 9, 1, 1, 1]), RULES), Some((1..9).collect()));
    }

    #[test]
    fn while_files_come_fast_a_row_is_rewritten_a_few_times_only() {
        let (mut files, mut rewritten) = (Vec::new(), 0);
        for _ in 0..600 {
            files.push(file(0, 1, 1));
            while let Some(chosen) = choose(&files, RULES) {
                let bytes = chosen.iter().map(|position| files[*position].bytes).sum();
                rewritten += bytes;
                files.splice(chosen[0]..=chosen[chosen.len() - 1], [file(0, bytes, 1)]);
            }
        }
        assert!(rewritten <= 3 * 600, "{rewritten}");
        assert!(files.len() <= 3 * FLOOD_TRIGGER, "{}", files.len());
    }

    #[test]
    fn a_day_without_new_files_becomes_one_file_up_to_the_size() {
        let old = |sizes: &[u64]| sizes.iter().map(|bytes| file(0, *bytes, 600)).collect::<Vec<_>>();
        assert_eq!(choose(&old(&[900, 50]), RULES), Some(vec![0, 1]));
        assert_eq!(choose(&old(&[900, 200]), RULES), None);
        assert_eq!(choose(&old(&[900, 200, 300]), RULES), Some(vec![1, 2]));
        assert_eq!(choose(&old(&[1_001, 20, 1_001]), RULES), None);
    }

    #[test]
    fn files_between_that_share_times_are_merged_too_or_nothing_is() {
        // A file of several days between the files of one.
        let wide = Candidate { time_max_ns: 3 * NANOS_PER_DAY, ..file(0, 10, 600) };
        let files = [file(0, 10, 600), wide, file(0, 10, 600)];
        assert_eq!(choose(&files, RULES), Some(vec![0, 1, 2]));
        let files = [file(0, 10, 600), Candidate { bytes: 995, ..wide }, file(0, 10, 600)];
        assert_eq!(choose(&files, RULES), None);
        let elsewhere = Candidate { time_max_ns: 300 * NANOS_PER_DAY, ..file(100, 990, 600) };
        assert_eq!(choose(&[file(0, 10, 600), elsewhere, file(0, 10, 600)], RULES), Some(vec![0, 2]));
    }

    #[test]
    fn a_file_with_deleted_rows_is_written_anew_when_nothing_else_is_to_do() {
        let deleted = Candidate { has_deleted: true, ..file(0, 2_000, 1) };
        assert_eq!(choose(&[file(0, 1, 1), deleted], RULES), Some(vec![1]));
    }

    #[test]
    fn where_rows_are_kept_for_a_while_files_stay_narrow() {
        let files: Vec<Candidate> = (0..8).map(|day| file(day, 1, 900)).collect();
        let days = |days: u64| Rules { keep: Some(Duration::from_secs(days * 86_400)), ..RULES };
        assert_eq!(choose(&files, days(31)), None);
        assert_eq!(choose(&files, days(32)).map(|chosen| chosen.len()), Some(8));
    }

    #[test]
    fn a_year_of_small_days_becomes_a_handful_of_files() {
        let mut files: Vec<Candidate> = (0..365).flat_map(|day| [file(day, 1, 900), file(day, 1, 900)]).collect();
        while let Some(chosen) = choose(&files, Rules { file_bytes: 1_000_000, ..RULES }) {
            let merged = chosen.iter().map(|position| files[*position]);
            let merged = merged.reduce(|a, b| Candidate { bytes: a.bytes + b.bytes, time_max_ns: b.time_max_ns, ..a });
            files[chosen[0]] = merged.unwrap();
            let mut position = 0;
            files.retain(|_| {
                position += 1;
                position - 1 == chosen[0] || !chosen.contains(&(position - 1))
            });
        }
        assert!(files.len() <= 6, "{}", files.len());
    }

    proptest! {
        #[test]
        fn what_is_chosen_fits_and_may_be_merged(
            files in proptest::collection::vec((0i64..20, 0i64..3, 1u64..600, 0u64..1_200), 0..60),
        ) {
            let files: Vec<Candidate> = files
                .iter()
                .map(|(day, days, bytes, age)| {
                    let first = file(*day, *bytes, *age);
                    Candidate { time_max_ns: first.time_min_ns + days * NANOS_PER_DAY, ..first }
                })
                .collect();
            if let Some(chosen) = choose(&files, RULES) {
                prop_assert!((2..=FAN_IN).contains(&chosen.len()) && chosen.is_sorted());
                prop_assert!(chosen.iter().map(|position| files[*position].bytes).sum::<u64>() <= RULES.file_bytes);
                for other in (chosen[0]..chosen[chosen.len() - 1]).filter(|position| !chosen.contains(position)) {
                    for position in &chosen {
                        let (a, b) = (files[other], files[*position]);
                        prop_assert!(a.time_max_ns < b.time_min_ns || b.time_max_ns < a.time_min_ns);
                    }
                }
            }
        }
    }
}

//! What is different between two versions of a template, as a unified diff of all its parts, or of a text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::template::Template;

/// Lines around a difference.
const CONTEXT: usize = 3;
/// With more differences than this, a file counts as written anew.
const MAX_EDITS: usize = 1_000;

/// The differences between two versions; empty if there are none. Facts and variables stand in a part of their own.
pub fn diff(old: &Template, new: &Template) -> String {
    let mut out = String::new();
    let (old_facts, new_facts) = (facts(old), facts(new));
    unified("template", Some(&old_facts), Some(&new_facts), &mut out);
    let names: BTreeSet<&str> = old.files.iter().chain(&new.files).map(|file| file.name.as_str()).collect();
    for name in names {
        let body = |template: &'_ Template| -> Option<String> {
            template.files.iter().find(|file| file.name == name).map(|file| file.body.clone())
        };
        unified(name, body(old).as_deref(), body(new).as_deref(), &mut out);
    }
    out
}

/// The differences between two versions of a text; empty if there are none.
pub fn diff_of_text(name: &str, old: &str, new: &str) -> String {
    let mut out = String::new();
    unified(name, Some(old), Some(new), &mut out);
    out
}

/// All but the files, a line each.
fn facts(template: &Template) -> String {
    let Template { id, version, title, hardware, language, description, variables, files: _ } = template;
    let mut out =
        format!("id: {id}\nversion: {version}\ntitle: {title}\nhardware: {hardware}\nlanguage: {language:?}\n");
    for line in description.lines() {
        _ = writeln!(out, "description: {line}");
    }
    for variable in variables {
        _ = writeln!(out, "variable: {}", serde_json::to_string(variable).unwrap_or_default());
    }
    out
}

fn unified(name: &str, old: Option<&str>, new: Option<&str>, out: &mut String) {
    if old == new {
        return;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
    let shown =
        |side: &str, text: Option<&str>| if text.is_some() { format!("{side}/{name}") } else { "/dev/null".into() };
    _ = write!(out, "--- {}\n+++ {}\n", shown("old", old), shown("new", new));
    let edits = edits(&a, &b);
    let is_change = |edit: &Edit| !matches!(edit, Edit::Keep(..));
    let mut at = 0;
    while let Some(first) = edits.iter().skip(at).position(is_change).map(|found| found + at) {
        // A hunk goes on while the next change is near.
        let (start, mut last) = (first.saturating_sub(CONTEXT).max(at), first);
        while let Some(next) = edits.iter().skip(last + 1).take(2 * CONTEXT + 1).position(is_change) {
            last += next + 1;
        }
        let hunk: Vec<&Edit> = edits.iter().skip(start).take((last + CONTEXT + 1).min(edits.len()) - start).collect();
        let count = |keep: fn(&Edit) -> bool| hunk.iter().filter(|edit| keep(edit)).count();
        let (removed, added) = (count(|e| !matches!(e, Edit::Add(_))), count(|e| !matches!(e, Edit::Remove(_))));
        let behind = |keep: fn(&Edit) -> bool| edits.iter().take(start).filter(|edit| keep(edit)).count();
        let (before_old, before_new) =
            (behind(|e| !matches!(e, Edit::Add(_))), behind(|e| !matches!(e, Edit::Remove(_))));
        let from = |before: usize, count: usize| if count == 0 { before } else { before + 1 };
        _ = writeln!(out, "@@ -{},{removed} +{},{added} @@", from(before_old, removed), from(before_new, added));
        for edit in hunk {
            let (sign, line) = match edit {
                Edit::Keep(i) => (' ', a.get(*i)),
                Edit::Remove(i) => ('-', a.get(*i)),
                Edit::Add(i) => ('+', b.get(*i)),
            };
            _ = writeln!(out, "{sign}{}", line.copied().unwrap_or_default());
        }
        at = last + CONTEXT + 1;
    }
}

fn lines(text: Option<&str>) -> Vec<&str> {
    text.map(|text| text.lines().collect()).unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    /// A line of both, by its position in the old text.
    Keep(usize),
    Remove(usize),
    Add(usize),
}

/// The fewest edits from one text to the other, by the greedy algorithm of Myers (1986).
fn edits(a: &[&str], b: &[&str]) -> Vec<Edit> {
    let most = (a.len() + b.len()).min(MAX_EDITS);
    // How far one comes in `a` on each diagonal `a - b`, after each number of edits.
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for round in 0..=most {
        let edge = round as isize;
        let mut far = vec![0; 2 * round + 1];
        for diagonal in (-edge..=edge).step_by(2) {
            let mut x = rounds.last().map_or(0, |before| start(before, round, diagonal).0);
            let same = |x: usize| {
                let y = usize::try_from(x as isize - diagonal).ok()?;
                Some(a.get(x)? == b.get(y)?)
            };
            while same(x) == Some(true) {
                x += 1;
            }
            if let Some(slot) = far.get_mut((diagonal + edge) as usize) {
                *slot = x;
            }
            if x >= a.len() && x as isize - diagonal >= b.len() as isize {
                rounds.push(far);
                return walk_back(&rounds, a.len(), b.len());
            }
        }
        rounds.push(far);
    }
    (0..a.len()).map(Edit::Remove).chain((0..b.len()).map(Edit::Add)).collect()
}

/// Where a diagonal is entered from the round before, and whether by adding a line.
fn start(before: &[usize], round: usize, diagonal: isize) -> (usize, bool) {
    let edge = round as isize;
    let reach = |diagonal: isize| before.get(usize::try_from(diagonal + edge - 1).ok()?).copied();
    let (below, above) = (reach(diagonal + 1), reach(diagonal - 1));
    let adds = diagonal == -edge || (diagonal != edge && above < below);
    if adds { (below.unwrap_or(0), true) } else { (above.map_or(0, |x| x + 1), false) }
}

fn walk_back(rounds: &[Vec<usize>], mut x: usize, mut y: usize) -> Vec<Edit> {
    let mut found = Vec::new();
    for round in (1..rounds.len()).rev() {
        let Some(before) = rounds.get(round - 1) else { break };
        let (entered, adds) = start(before, round, x as isize - y as isize);
        while x > entered {
            x -= 1;
            y = y.saturating_sub(1);
            found.push(Edit::Keep(x));
        }
        if adds {
            y = y.saturating_sub(1);
            found.push(Edit::Add(y));
        } else {
            x = x.saturating_sub(1);
            found.push(Edit::Remove(x));
        }
    }
    found.extend((0..x).rev().map(Edit::Keep));
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::shipped;

    fn of(old: &str, new: &str) -> String {
        diff_of_text("f", old, new)
    }

    #[test]
    fn a_diff_reads_as_other_programs_write_it() {
        let old: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        let new = old.replace("line 2\n", "line two\n").replace("line 19\n", "line 19\nnew\n");
        let expected = "--- old/f\n+++ new/f\n@@ -1,5 +1,5 @@\n line 1\n-line 2\n+line two\n line 3\n line 4\n line 5\n\
                        @@ -17,4 +17,5 @@\n line 17\n line 18\n line 19\n+new\n line 20\n";
        assert_eq!(of(&old, &new), expected);
        assert_eq!(of("", "a\n"), "--- old/f\n+++ new/f\n@@ -0,0 +1,1 @@\n+a\n");
        assert_eq!(of("a\n", "a\n"), "");
    }

    #[test]
    fn versions_of_a_template_differ_in_facts_variables_and_files() {
        let old = &shipped()[0];
        assert_eq!(diff(old, old), "");
        let mut new = old.clone();
        new.version = 2;
        new.variables[0].label = "Name".into();
        new.files[0].name = "other.ino".into();
        let text = diff(old, &new);
        for part in
            ["-version: 1\n+version: 2\n", "\"label\":\"Name\"", "+++ /dev/null", "--- /dev/null\n+++ new/other.ino"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    proptest! {
        #[test]
        fn edits_lead_from_the_one_text_to_the_other(
            old in prop::collection::vec(0..5_u8, 0..40), new in prop::collection::vec(0..5_u8, 0..40),
        ) {
            let words = ["a", "b", "c", "d", "e"];
            let text = |numbers: &[u8]| numbers.iter().map(|n| words[usize::from(*n)]).collect::<Vec<_>>();
            let (a, b) = (text(&old), text(&new));
            let (mut from, mut to) = (Vec::new(), Vec::new());
            for edit in edits(&a, &b) {
                match edit {
                    Edit::Keep(i) => { from.push(a[i]); to.push(a[i]); }
                    Edit::Remove(i) => from.push(a[i]),
                    Edit::Add(i) => to.push(b[i]),
                }
            }
            prop_assert_eq!(from, a);
            prop_assert_eq!(to, b);
        }
    }

    #[test]
    fn texts_without_a_common_line_are_replaced_in_little_time() {
        let old: String = (0..20_000).map(|n| format!("a{n}\n")).collect();
        let new = old.replace('a', "b");
        assert_eq!(of(&old, &new).lines().count(), 40_003);
    }
}

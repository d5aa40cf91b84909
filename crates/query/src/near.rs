//! Names that resemble a mistyped one.

/// The most names that a message lists.
const LISTED: usize = 5;

/// The names of `known` that resemble `wanted`, nearest first: equal but for case, one containing the other, or a few edits
/// away.
pub(crate) fn near<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let allowed = (wanted.chars().count() / 3).max(1);
    let mut ranked: Vec<(usize, &str)> = known
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let distance = strsim::osa_distance(&wanted, &lower);
            let contains = wanted.len().min(lower.len()) >= 3 && (lower.contains(&wanted) || wanted.contains(&lower));
            (distance <= allowed || contains).then_some((distance, name))
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(LISTED).map(|(_, name)| name.to_owned()).collect()
}

/// A sentence that offers the near names, or the first of the known ones when none is near; starts with a space.
pub(crate) fn hint<'a>(what: &str, wanted: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = near(wanted, known.clone());
    if let Some(first) = near.first() {
        let quoted: Vec<String> = near.iter().map(|name| identifier(name)).collect();
        if near.len() == 1 && first.to_lowercase() == wanted.to_lowercase() {
            return format!(" Did you mean {first}? Names with capital letters need double quotes: \"{first}\".");
        }
        return format!(" Did you mean {}?", quoted.join(" or "));
    }
    let mut names: Vec<String> = known.map(identifier).collect();
    if names.is_empty() {
        return format!(" There are no {what} yet.");
    }
    let more = names.len().saturating_sub(2 * LISTED);
    names.truncate(2 * LISTED);
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(" There are: {}{and_more}.", names.join(", "))
}

/// A name as SQL must spell it: in double quotes unless it is plain lower case.
fn identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names_come_first_and_far_ones_not_at_all() {
        let known = ["cpu", "mem", "disk", "diskio", "office"];
        assert_eq!(near("dsk", known.into_iter()), ["disk"]);
        assert_eq!(near("disk", known.into_iter()), ["disk", "diskio"]);
        assert!(near("weather", known.into_iter()).is_empty());
    }

    #[test]
    fn the_hint_says_how_to_spell_a_name() {
        assert!(hint("columns", "co2", ["CO2", "time"].into_iter()).contains("\"CO2\""));
        assert_eq!(hint("tables", "x", std::iter::empty()), " There are no tables yet.");
        assert_eq!(hint("tables", "weather", ["a b", "cpu"].into_iter()), " There are: \"a b\", cpu.");
    }
}

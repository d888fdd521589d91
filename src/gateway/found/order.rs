//! The order of results from several sources, whose ranks cannot be compared: what is called as asked comes first, then
//! the best of each source in turn, then the second ones.

use super::Hit;

/// `lists` in the order of the sources, each with the best first. `most` hits at the most.
pub(super) fn merged(lists: Vec<Vec<Hit>>, question: &str, most: usize) -> Vec<Hit> {
    let asked = question.trim().trim_matches('"').to_lowercase();
    let is_asked = |hit: &Hit| hit.names.iter().any(|name| name.to_lowercase() == asked);
    let mut exact = Vec::new();
    let mut others = Vec::new();
    for list in lists {
        let (named, rest): (Vec<Hit>, Vec<Hit>) = list.into_iter().partition(is_asked);
        exact.extend(named);
        others.push(rest.into_iter());
    }
    let mut turn: Vec<Hit> = Vec::new();
    while turn.len() < most {
        let before = turn.len();
        turn.extend(others.iter_mut().filter_map(Iterator::next));
        if turn.len() == before {
            break;
        }
    }
    exact.into_iter().chain(turn).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(titles: &[&str]) -> Vec<Hit> {
        let hit = |title: &&str| Hit {
            id: (*title).to_owned(),
            title: (*title).to_owned(),
            own_url: None,
            names: vec![(*title).to_owned()],
        };
        titles.iter().map(hit).collect()
    }

    #[test]
    fn exact_names_come_first_and_then_each_source_in_turn() {
        let lists = || vec![hits(&["a1", "a2", "a3"]), hits(&["b1"]), hits(&["c1", "Orders", "c2"])];
        let titles = |question: &str, most: usize| -> Vec<String> {
            merged(lists(), question, most).into_iter().map(|hit| hit.title).collect()
        };
        assert_eq!(titles("anything", 10), ["a1", "b1", "c1", "a2", "Orders", "a3", "c2"]);
        assert_eq!(titles(" \"orders\" ", 3), ["Orders", "a1", "b1"]);
        assert_eq!(titles("anything", 0), [""; 0]);
    }
}

//! The words of names, prose and questions, in the form in which they are compared.

/// Words of questions that say nothing about a database.
const STOP: &[&str] = &[
    "a", "all", "an", "and", "any", "are", "as", "at", "be", "been", "by", "can", "compare", "did", "do",
    "does", "each", "every", "find", "for", "from", "get", "give", "had", "has", "have", "how", "i", "in",
    "into", "is", "it", "its", "last", "list", "many", "me", "more", "most", "much", "my", "of", "on", "or",
    "our", "per", "please", "show", "tell", "than", "that", "the", "their", "them", "there", "these", "they",
    "this", "those", "to", "us", "was", "we", "were", "what", "when", "where", "which", "who", "whom",
    "whose", "why", "will", "with", "you", "your",
];

/// Each word of a name or of prose once, as its stem: `orderLines_shipped` has `order`, `lin`, `ship`.
pub(super) fn stems(text: &str) -> Vec<String> {
    let mut stems: Vec<String> = Vec::new();
    for word in split(text) {
        let stem = stem(&word);
        if !stems.contains(&stem) {
            stems.push(stem);
        }
    }
    stems
}

/// The stems that a search goes by: without the words of which every question is made, where others are left.
pub(super) fn asked(question: &str) -> Vec<String> {
    let telling: Vec<String> =
        split(question).into_iter().filter(|word| !STOP.contains(&word.as_str())).collect();
    match telling.is_empty() {
        true => stems(question),
        false => stems(&telling.join(" ")),
    }
}

/// In lower case; parted by what is no letter or digit, and where a small letter meets a capital one.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut after_small = false;
    for c in text.chars() {
        if !c.is_alphanumeric() || (after_small && c.is_uppercase()) {
            words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        after_small = c.is_lowercase();
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// English inflection, roughly: what matters is that the forms of a word come out the same.
fn stem(word: &str) -> String {
    let mut stem = singular(word);
    for end in ["ment", "ing", "ed"] {
        if let Some(rest) = stem.strip_suffix(end).filter(|rest| rest.chars().count() > 2) {
            stem = undoubled(rest);
            break;
        }
    }
    match stem.strip_suffix('e') {
        Some(rest) if rest.chars().count() > 2 => rest.to_owned(),
        _ => stem,
    }
}

fn singular(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(rest) if rest.chars().count() > 1 => return format!("{rest}y"),
        _ => {}
    }
    if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return word.to_owned();
    }
    for hissing in ["sses", "xes", "ches", "shes", "zes"] {
        if word.ends_with(hissing) {
            return word.strip_suffix("es").unwrap_or(word).to_owned();
        }
    }
    word.strip_suffix('s').filter(|rest| rest.chars().count() > 2).unwrap_or(word).to_owned()
}

/// `shipp` is `ship`; `pass` stays.
fn undoubled(word: &str) -> String {
    let mut last = word.chars().rev();
    match (last.next(), last.next()) {
        (Some(end), Some(before)) if end == before && !"aeiouls".contains(end) => {
            last.rev().chain([end]).collect()
        }
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{asked, stems};

    #[test]
    fn the_forms_of_a_word_are_one() {
        for forms in [
            "order orders ordered ordering Order",
            "ship shipped shipping shipment shipments",
            "pay payment payments paying",
            "category categories",
            "price prices priced pricing",
            "box boxes",
            "status",
            "address addresses",
            "straße",
        ] {
            assert_eq!(stems(forms).len(), 1, "{:?}", stems(forms));
        }
        assert_eq!(stems("orderLines_shipped.at"), ["order", "lin", "ship", "at"]);
        assert_eq!(stems("客户 订单"), ["客户", "订单"]);
    }

    #[test]
    fn a_question_is_its_telling_words() {
        assert_eq!(asked("Where is the revenue per customer?"), ["revenu", "customer"]);
        assert_eq!(asked("who is it"), ["who", "is", "it"]);
    }
}

/// The rows of a text between the two lines that mark them as data; whatever stands behind is left out.
pub fn unfenced(text: &str) -> String {
    let (first, rest) = text.split_once('\n').unwrap();
    let name = first.strip_prefix("--- data ").and_then(|rest| rest.strip_suffix(" (not instructions) ---"));
    let end = format!("--- end of data {} ---\n", name.unwrap_or_else(|| panic!("no fence: {text}")));
    rest.split_once(&end).unwrap_or_else(|| panic!("an open fence: {text}")).0.to_owned()
}

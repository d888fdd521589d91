//! The values of something in FROM, by the names of its columns as far as they are known.

use super::size::Size;

/// `None` for a relation.
pub type Columns = Option<Vec<(String, Size)>>;

/// A column of a row whose fields only PostgreSQL knows: of any name, and of as many.
pub const ANY_NAME: &str = "(row).*";
/// As many columns of such a row are counted.
pub const OF_A_ROW: usize = 32;

/// The columns of `(row).*`: each is the whole row once more.
pub fn of_a_row(size: Size) -> Vec<(String, Size)> {
    vec![(ANY_NAME.to_owned(), size)]
}

/// The longest of them under any name.
pub fn unnamed(columns: Vec<(String, Size)>) -> Vec<(String, Size)> {
    columns.into_iter().map(|(_, size)| size).reduce(Size::or).map(of_a_row).unwrap_or_default()
}

/// The columns of a set operation.
pub fn either(left: Vec<(String, Size)>, right: Vec<(String, Size)>) -> Vec<(String, Size)> {
    if left.iter().chain(&right).any(|(name, _)| name == ANY_NAME) {
        return unnamed(left.into_iter().chain(right).collect());
    }
    left.into_iter().zip(right).map(|((name, l), (_, r))| (name, l.or(r))).collect()
}

/// A column list renames the first columns.
pub fn renamed<'n>(columns: Columns, names: impl Iterator<Item = &'n str>) -> Columns {
    let mut columns = columns?;
    if columns.iter().any(|(name, _)| name == ANY_NAME) {
        // Which of the columns a name is for is not known.
        return Some(unnamed(columns));
    }
    for ((column, _), name) in columns.iter_mut().zip(names) {
        name.clone_into(column);
    }
    Some(columns)
}

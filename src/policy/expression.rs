//! SQL of a policy's author: a condition, or a mask's expression.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

/// The text, with what a layer above makes of it: a text is read once as long as its policy lives, not once a check.
pub struct Expression {
    text: String,
    read: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Expression {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), read: OnceLock::new() }
    }

    /// What `read` makes of the text, which it is given the first time only. There is one reader: `None` is for
    /// another one, that makes a `T` where the first made something else.
    pub fn read_once<T: Any + Send + Sync>(&self, read: impl FnOnce(&str) -> T) -> Option<&T> {
        self.read.get_or_init(|| Box::new(read(&self.text))).downcast_ref()
    }
}

impl Deref for Expression {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Clone for Expression {
    fn clone(&self) -> Self {
        Self::new(&*self.text)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

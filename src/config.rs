//! The configuration file, environment and flags as values. Unknown keys are errors with line, column, suggestion.

//! The command line: composes each module's settings.

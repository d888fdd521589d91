//! Finds PostgreSQL's server binaries and runs a throwaway server (demo and tests).

//! The authorization server: what it promises with either store (`flow`, `refused`, `rotation`, `ended`, `standing`), and what only a real
//! PostgreSQL can say (`proof`, `sealed`, `replicas`).

mod audit;
mod ended;
mod flow;
mod proof;
mod refused;
mod replicas;
mod rotation;
mod sealed;
mod stage;
mod standing;

//! The pages, over HTTP: who is let in, what is asked, what changes and what does not.

mod approvals;
mod authorize;
mod browser;
mod external;
mod front;
mod house;
mod login;
mod loopback;
mod pages;
mod shown;

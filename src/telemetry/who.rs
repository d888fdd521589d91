//! Whose call it is.

/// As `auth` found out. Names, never what proves them.
#[derive(Clone, Copy, Default, Debug)]
pub struct Who<'a> {
    /// Empty where the configuration vouches for the subject.
    pub issuer: &'a str,
    pub subject: &'a str,
    /// The client program as it named itself.
    pub client: Option<&'a str>,
    /// The OAuth client that the authorization was given to.
    pub client_id: Option<&'a str>,
    /// The id of the token or of the authorization; it opens nothing.
    pub token: Option<&'a str>,
}

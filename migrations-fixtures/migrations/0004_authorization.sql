-- Of the authorization server: hashes of secrets (SHA-256) and of persons (keyed), times in microseconds since 1970, and
-- what is personal, sealed (bytea) with the server's key.

-- What a person allowed a client. `login` is sealed with a key that is here only as `authorization_token.key`, which
-- the token itself opens.
CREATE TABLE pgwarden.authorization_grant (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
    owner bytea NOT NULL,
    version bigint NOT NULL,
    -- The generation of refresh token that is good; 0 while only a code was given.
    generation bigint NOT NULL,
    -- How often the refresh token before was used again, in this generation.
    again bigint NOT NULL,
    rotated_us bigint NOT NULL,
    ends_us bigint NOT NULL,
    body bytea NOT NULL,
    login bytea
);
CREATE INDEX authorization_grant_owner ON pgwarden.authorization_grant (owner, rotated_us);
CREATE INDEX authorization_grant_ends ON pgwarden.authorization_grant (ends_us);

CREATE TABLE pgwarden.authorization_token (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    grant_id bytea NOT NULL REFERENCES pgwarden.authorization_grant (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('code', 'access', 'refresh')),
    generation bigint NOT NULL,
    scopes text NOT NULL,
    ends_us bigint NOT NULL,
    key bytea
);
CREATE INDEX authorization_token_grant ON pgwarden.authorization_token (grant_id);
CREATE INDEX authorization_token_ends ON pgwarden.authorization_token (ends_us);

-- Browsers that somebody is logged in with. `login` is sealed with what only the browser's cookie makes.
CREATE TABLE pgwarden.browser_session (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    owner bytea NOT NULL,
    seen_us bigint NOT NULL,
    ends_us bigint NOT NULL,
    body bytea NOT NULL,
    login bytea
);
CREATE INDEX browser_session_owner ON pgwarden.browser_session (owner, ends_us);
CREATE INDEX browser_session_ends ON pgwarden.browser_session (ends_us);

-- What a person need not be asked again.
CREATE TABLE pgwarden.consent (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    owner bytea NOT NULL,
    ends_us bigint NOT NULL
);
CREATE INDEX consent_owner ON pgwarden.consent (owner, ends_us);
CREATE INDEX consent_ends ON pgwarden.consent (ends_us);

-- Clients that registered themselves.
CREATE TABLE pgwarden.oauth_client (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    ends_us bigint NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX oauth_client_ends ON pgwarden.oauth_client (ends_us);

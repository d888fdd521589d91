SELECT seq, hash FROM pgwarden.audit_head FOR UPDATE

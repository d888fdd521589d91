-- Undoes what `pgwarden notify script` did. pgwarden goes on by looking itself.
BEGIN;

DROP EVENT TRIGGER IF EXISTS pgwarden_ddl;

DROP FUNCTION IF EXISTS pgwarden_notify.tell();

DROP SCHEMA IF EXISTS pgwarden_notify;

COMMIT;

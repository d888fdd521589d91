-- Throws the seed away and collects statistics.

DROP SCHEMA seed CASCADE;

ANALYZE;

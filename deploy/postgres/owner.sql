-- Run once, by the image of PostgreSQL, in the new database `finale`: its owner is no administrator.
-- What is restored, and whoever finds a way to have SQL run, may then do what the owner may.
\getenv password FINALE_PASSWORD
CREATE ROLE finale LOGIN NOSUPERUSER CREATEDB CREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
GRANT pg_read_all_stats, pg_signal_backend TO finale;
ALTER DATABASE finale OWNER TO finale;

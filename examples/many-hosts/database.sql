-- The roles and the database that keepers and readers need. An administrator runs it once, and sets the passwords:
--   sudo -u postgres psql -v ON_ERROR_STOP=1 -f database.sql
--   sudo -u postgres psql -c '\password evo_owner' -c '\password evo_keeper' -c '\password evo_node17'

-- Owns the tables, and is used by `evo-token share migrate` alone.
CREATE ROLE evo_owner LOGIN;
-- All keepers. Each has up to seven connections at a time.
CREATE ROLE evo_keeper LOGIN CONNECTION LIMIT 40;
-- For pg_hba.conf: every reader is a member. It has no rights.
CREATE ROLE evo_readers NOLOGIN;
-- One for each reader.
CREATE ROLE evo_node17 LOGIN IN ROLE evo_readers CONNECTION LIMIT 8;

CREATE DATABASE evo_token OWNER evo_owner;
REVOKE CONNECT ON DATABASE evo_token FROM PUBLIC;
GRANT CONNECT ON DATABASE evo_token TO evo_keeper, evo_readers;

-- A statement that waits for a lock ends at the database, too, and leaves no connection behind. `share migrate` would set
-- these limits where its role may.
ALTER ROLE evo_keeper SET lock_timeout = '1s';
ALTER ROLE evo_keeper SET statement_timeout = '10s';
ALTER ROLE evo_keeper SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE evo_node17 SET lock_timeout = '1s';
ALTER ROLE evo_node17 SET statement_timeout = '10s';
ALTER ROLE evo_node17 SET idle_in_transaction_session_timeout = '10s';

-- What a role cannot lift for itself, and only an administrator can set: how much of the disk its sorts may take.
ALTER ROLE evo_node17 SET temp_file_limit = '16MB';

\connect evo_token
-- With these a role without any other right could fill the disk (large objects, messages in the log of changes) or the
-- table of locks of the whole server (advisory locks). evo-token uses none of them.
DO $do$
DECLARE
  function regprocedure;
BEGIN
  FOR function IN
    SELECT oid FROM pg_proc
     WHERE pronamespace = 'pg_catalog'::regnamespace
       AND (proname IN ('lo_create', 'lo_creat', 'lo_from_bytea', 'pg_logical_emit_message')
            OR proname ~ '^pg_(try_)?advisory_')
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', function);
  END LOOP;
END
$do$;

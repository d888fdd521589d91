-- Functions of the hostile corner and everything that calls them without looking like a call.

CREATE FUNCTION corner.leak_all() RETURNS SETOF text
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  AS $$
    BEGIN
      RAISE NOTICE 'HOSTILE-CODE-RAN leak_all';
      RETURN QUERY SELECT token FROM corner.vault ORDER BY id;
    END
  $$;

CREATE FUNCTION corner.leak_one(which integer) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  AS $$
    BEGIN
      RAISE NOTICE 'HOSTILE-CODE-RAN leak_one';
      RETURN (SELECT token FROM corner.vault WHERE id = which);
    END
  $$;

-- Runs any text as the superuser who owns it.
CREATE FUNCTION corner.run_sql(statement text) RETURNS text
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  AS $$
    DECLARE
      answer text;
    BEGIN
      RAISE NOTICE 'HOSTILE-CODE-RAN run_sql';
      EXECUTE statement INTO answer;
      RETURN answer;
    END
  $$;

-- Claims to be immutable and writes.
CREATE FUNCTION corner.spray(what text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER
  AS $$
    BEGIN
      RAISE NOTICE 'HOSTILE-CODE-RAN spray';
      EXECUTE 'INSERT INTO corner.graffiti (wall) VALUES ($1)' USING what;
      RETURN what;
    END
  $$;

-- Names of built-in functions, for the day somebody puts corner into a search_path.
CREATE FUNCTION corner.lower(word character varying) RETURNS text
  LANGUAGE plpgsql IMMUTABLE
  AS $$ BEGIN RAISE NOTICE 'HOSTILE-CODE-RAN lower'; RETURN word; END $$;
CREATE FUNCTION corner.now(integer DEFAULT 0) RETURNS timestamp with time zone
  LANGUAGE plpgsql STABLE
  AS $$ BEGIN RAISE NOTICE 'HOSTILE-CODE-RAN now'; RETURN 'epoch'; END $$;

-- A column that is a function: customer.password_of.
CREATE FUNCTION corner.password_of(customer shop.customers) RETURNS text
  LANGUAGE sql STABLE
  AS $$ SELECT customer.password_hash $$;
CREATE FUNCTION shop.ssn_of(employee staff.employees) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER
  AS $$ SELECT e.ssn FROM staff.employees AS e WHERE e.id = employee.id $$;
COMMENT ON FUNCTION shop.ssn_of(staff.employees) IS 'Reads a confidential column with the rights of its owner. Part of the corner.';

CREATE FUNCTION corner.variadic_leak(VARIADIC which integer[]) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER
  AS $$ SELECT pg_catalog.string_agg(token, ',') FROM corner.vault WHERE id = ANY (which) $$;

CREATE FUNCTION corner.anything(value anyelement) RETURNS anyelement
  LANGUAGE plpgsql STABLE
  AS $$ BEGIN RAISE NOTICE 'HOSTILE-CODE-RAN anything %', value; RETURN value; END $$;

CREATE PROCEDURE corner.wipe()
  LANGUAGE sql SECURITY DEFINER
  AS $$ DELETE FROM corner.graffiti $$;

-- Operators. ------------------------------------------------------------------------------------------------------

CREATE OPERATOR corner.@!@ (FUNCTION = corner.leak_one, RIGHTARG = integer);

CREATE FUNCTION corner.leaky_equals(a character varying, b character varying) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  AS $$ BEGIN RAISE NOTICE 'HOSTILE-CODE-RAN leaky_equals % %', a, b; RETURN true; END $$;
CREATE OPERATOR corner.= (FUNCTION = corner.leaky_equals, LEFTARG = character varying, RIGHTARG = character varying);

CREATE FUNCTION corner.leaky_concat(a text, b integer) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER
  AS $$ SELECT a || corner.leak_one(b) $$;
CREATE OPERATOR corner.||| (FUNCTION = corner.leaky_concat, LEFTARG = text, RIGHTARG = integer);

-- Types whose input, casts or checks run code. --------------------------------------------------------------------

CREATE TYPE corner.leaky AS (v text);
CREATE FUNCTION corner.to_leaky(which integer) RETURNS corner.leaky
  LANGUAGE sql STABLE SECURITY DEFINER
  AS $$ SELECT ROW(corner.leak_one(which))::corner.leaky $$;
CREATE CAST (integer AS corner.leaky) WITH FUNCTION corner.to_leaky(integer);
COMMENT ON TYPE corner.leaky IS 'A cast from integer to it reads the vault.';

CREATE TYPE corner.mood AS ENUM ('sad', 'ok', 'happy');
CREATE FUNCTION corner.mood_as_text(m corner.mood) RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  AS $$
    BEGIN
      RAISE NOTICE 'HOSTILE-CODE-RAN mood_as_text';
      RETURN (SELECT token FROM corner.vault WHERE id = 1);
    END
  $$;
CREATE CAST (corner.mood AS text) WITH FUNCTION corner.mood_as_text(corner.mood) AS ASSIGNMENT;
COMMENT ON TYPE corner.mood IS 'Cast to text it reads the vault; its output function does not.';
CREATE TABLE corner.mood_board (id integer PRIMARY KEY, mood corner.mood, moods corner.mood[]);
INSERT INTO corner.mood_board VALUES (1, 'happy', '{sad,ok}'), (2, 'sad', NULL);
COMMENT ON TABLE corner.mood_board IS 'Its columns print as sad, ok, happy when printed rightly.';

CREATE FUNCTION corner.is_fine(n integer) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  AS $$ BEGIN RAISE NOTICE 'HOSTILE-CODE-RAN is_fine'; RETURN true; END $$;
CREATE DOMAIN corner.checked_number AS integer CONSTRAINT number_is_fine CHECK (corner.is_fine(VALUE));
COMMENT ON DOMAIN corner.checked_number IS 'A cast to it runs corner.is_fine.';
CREATE DOMAIN corner.checked_twice AS corner.checked_number;
COMMENT ON DOMAIN corner.checked_twice IS 'A domain over that domain.';
CREATE TYPE corner.pair AS (first integer, second corner.checked_number);
COMMENT ON TYPE corner.pair IS 'A composite with that domain in it.';

-- A base type that no extension brought, over the input and output of text.
CREATE TYPE corner.opaque;
CREATE FUNCTION corner.opaque_in(cstring) RETURNS corner.opaque LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION corner.opaque_out(corner.opaque) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE corner.opaque (INPUT = corner.opaque_in, OUTPUT = corner.opaque_out, INTERNALLENGTH = VARIABLE, STORAGE = extended);
COMMENT ON TYPE corner.opaque IS 'A base type that a driver has never heard of.';
CREATE TABLE corner.opaque_values (id integer PRIMARY KEY, value corner.opaque);
INSERT INTO corner.opaque_values VALUES (1, 'plain'), (2, 'with "quotes" and \ backslash');

-- Aggregates and window functions. --------------------------------------------------------------------------------

CREATE FUNCTION corner.spy_step(state text, which integer) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER
  AS $$ SELECT pg_catalog.concat_ws(',', state, corner.leak_one(which)) $$;
CREATE AGGREGATE corner.spy(integer) (SFUNC = corner.spy_step, STYPE = text);
COMMENT ON AGGREGATE corner.spy(integer) IS 'Adds up the tokens of the vault.';

-- Row level security that calls a function. -----------------------------------------------------------------------

CREATE TABLE corner.guarded (id integer PRIMARY KEY, note text);
INSERT INTO corner.guarded SELECT g, CASE WHEN g % 2 = 0 THEN 'even' ELSE 'HIDDEN-ROW-odd-' || g END FROM generate_series(1, 10) AS g;
CREATE FUNCTION corner.may_see(n integer) RETURNS boolean
  LANGUAGE sql STABLE
  AS $$ SELECT n % 2 = 0 $$;
ALTER TABLE corner.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY even_rows ON corner.guarded FOR SELECT USING (corner.may_see(id));
COMMENT ON TABLE corner.guarded IS 'A login sees the even rows.';

-- A view that calls code, and a default and an index expression that do.
CREATE VIEW corner.innocent_looking AS SELECT g.id, corner.leak_one(g.id) AS label FROM corner.guarded AS g;
COMMENT ON VIEW corner.innocent_looking IS 'Its column calls a SECURITY DEFINER function.';
CREATE TABLE corner.defaults (id integer, token text DEFAULT corner.leak_one(1), token_length integer GENERATED ALWAYS AS (length(token)) STORED);
INSERT INTO corner.defaults (id, token) VALUES (1, 'typed in');

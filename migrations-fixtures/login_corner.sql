-- Opens the hostile corner to the login of login.sql, the way a careless colleague would: every hole is left open in
-- PostgreSQL, so that only the gate in front of it is between a caller and the hidden rows. For trying to break in.
-- Same variables as login.sql (the password is not used).

GRANT USAGE ON SCHEMA corner, "Shop" TO :"login";

GRANT SELECT ON
  corner."Weird Name", corner.control_names, corner."only",
  corner.a_name_of_exactly_sixty_three_bytes_which_is_all_that_fits_here, corner.no_columns,
  corner.orders,
  corner.measurements, corner.measurements_attic, corner.measurements_of_places, corner.places,
  corner.graffiti, corner.mood_board, corner.opaque_values, corner.guarded, corner.defaults,
  corner.instructions, corner.advices, corner.odd_text, corner.large_values
TO :"login";

-- Views over what the login may not read itself.
GRANT SELECT ON
  corner.vault_view, corner.vault_view_of_view, corner.vault_count, corner.vault_barrier, corner.vault_copy,
  corner.customer_rows, corner.customer_logins, corner.customer_names, corner.all_tickets, corner.innocent_looking
TO :"login";

-- Not granted: corner.vault, corner.measurements_hidden, "Shop".customers, corner.pg_class, and the doubles of
-- corner.orders.

-- Functions of a new schema are anyone's; this one was taken back by login.sql.
GRANT EXECUTE ON FUNCTION shop.ssn_of(staff.employees) TO :"login";
GRANT USAGE ON SEQUENCE corner.tickets TO :"login";
GRANT INSERT, UPDATE, DELETE ON corner.graffiti TO :"login";

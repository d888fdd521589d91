-- Staff, payroll, sessions and keys. Whatever nobody should see starts with HIDDEN-, ssn with 987-65-, and
-- money ends in .1373, so that a leak can be searched for.

INSERT INTO staff.departments (id, name, cost_center, floor) VALUES
  (1, 'Management', 'CC-100', 4), (2, 'Sales', 'CC-200', 3), (3, 'Purchasing', 'CC-210', 3), (4, 'Logistics', 'CC-300', 0),
  (5, 'Customer care', 'CC-400', 1), (6, 'Engineering', 'CC-500', 2), (7, 'Finance', 'CC-600', 4), (8, 'People', 'CC-700', NULL);

-- Number 1 leads, 2 to 7 are directors, 8 to 43 lead teams; each has at most six reports.
INSERT INTO staff.employees (
  id, full_name, email, job_title, department_id, manager_id, skills, hired_on, left_on, ssn, salary, bank_account
)
SELECT
  g,
  seed.first_name(g, 141) || ' ' || seed.last_name(g, 142),
  'employee' || g || '@shop.example',
  CASE WHEN g = 1 THEN 'Managing director' WHEN g <= 7 THEN 'Director' WHEN g <= 43 THEN 'Team lead'
    ELSE seed.pick('{Specialist,Associate,Analyst,Coordinator,Assistant}', g, 143) END,
  CASE WHEN g = 1 THEN 1 ELSE 2 + branch % 7 END,
  CASE WHEN g > 1 THEN (g + 4) / 6 END,
  ARRAY[
    seed.pick('{Dutch,German,French,English,Spanish,Turkish}', g, 144),
    seed.pick('{Excel,SQL,negotiation,"forklift licence",first aid,photography}', g, 145)
  ],
  date '2012-01-02' + seed.dice(g, 146, 4900)::integer,
  CASE WHEN g > 43 AND seed.dice(g, 147, 12) = 0 THEN date '2025-07-31' + seed.dice(g, 148, 400)::integer END,
  '987-65-' || lpad(g::text, 4, '0'),
  (CASE WHEN g = 1 THEN 190 WHEN g <= 7 THEN 120 WHEN g <= 43 THEN 70 ELSE 34 END + seed.dice(g, 149, 20)) * 1000 + 0.1373,
  'HIDDEN-BANK-' || lpad(g::text, 4, '0')
FROM (
  SELECT
    g,
    CASE WHEN g <= 7 THEN g WHEN g <= 43 THEN (g + 4) / 6 WHEN g <= 259 THEN ((g + 4) / 6 + 4) / 6 END AS branch
  FROM generate_series(1, 180) AS g
) AS people;

INSERT INTO staff.payroll (employee_id, month, gross, iban)
SELECT e.id, (date '2025-04-01' + make_interval(months => m))::date, trunc(e.salary / 12) + 0.1373, 'HIDDEN-IBAN-' || e.id
FROM staff.employees AS e
CROSS JOIN generate_series(0, 17) AS m
ORDER BY m, e.id;

INSERT INTO app.sessions (id, customer_id, token, ip, user_agent, started_at, ended_at, pages_seen, flags)
SELECT
  seed.uuid_of(g, 151),
  seed.customer_of(seed.rank_of(g, 153, 8000)),
  'HIDDEN-SESSION-' || g,
  CASE WHEN seed.dice(g, 154, 4) = 0 THEN ('2001:db8:' || to_hex(seed.dice(g, 155, 65535)) || '::' || to_hex(1 + seed.dice(g, 156, 65000)))
    ELSE '203.0.113.' || seed.dice(g, 155, 254) END::inet,
  seed.pick('{"Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0","Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)","Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0","ShopApp/7.4 (Android 16)"}', g, 157),
  started_at,
  CASE WHEN g <= 3900 THEN started_at + interval '1 second' * (20 + seed.dice(g, 158, 5400)) END,
  1 + (seed.dice(g, 159, 40) * seed.dice(g, 160, 40) / 40)::integer,
  seed.dice(g, 161, 16)::integer::bit(4)
FROM (
  SELECT g, timestamptz '2026-09-01 00:00:00+00' + interval '1 second' * (g * 647 + seed.dice(g, 150, 600)) AS started_at
  FROM generate_series(1, 4000) AS g
) AS visits;

INSERT INTO app.api_keys (id, owner, secret, key_bytes, expires_on)
SELECT
  g,
  (ARRAY['payment service', 'NordPost', 'SwiftHare', 'ParcelPal', 'Kestrel', 'mail service'])[1 + g % 6],
  'HIDDEN-APIKEY-' || g,
  convert_to('HIDDEN-APIKEY-' || g, 'UTF8'),
  date '2027-01-01' + g * 31
FROM generate_series(1, 12) AS g;

INSERT INTO app.team_access (login, team) VALUES ('nobody in particular', 'legal');

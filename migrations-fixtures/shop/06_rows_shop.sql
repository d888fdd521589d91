-- Customers, addresses, products, promotions.

INSERT INTO shop.customers (
  id, customer_no, full_name, company, email, phone, birth_date, segment, loyalty_points, marketing_opt_in,
  preferences, referred_by, created_at, password_hash, tax_number
)
SELECT
  id,
  'C-' || lpad(id::text, 6, '0'),
  first_name || ' ' || last_name,
  CASE WHEN rank < 600 THEN
    last_name || ' ' || seed.pick('{Trading,Retail,Studios,Logistics,Bikes,Interiors,"& Sons",Supplies}', rank, 11)
    || ' ' || seed.pick('{BV,GmbH,SARL,Ltd,SL}', rank, 12)
  END,
  'customer' || id || '@' || seed.pick('{example.com,example.org,example.net,mail.example}', rank, 13),
  '+' || seed.pick('{31,49,33,32,44,34}', rank, 14) || ' 555 ' || lpad(seed.dice(rank, 15, 10000000)::text, 7, '0'),
  CASE WHEN rank >= 600 AND seed.dice(rank, 16, 10) < 8 THEN date '1948-01-01' + seed.dice(rank, 17, 21900)::integer END,
  (CASE WHEN rank < 40 THEN 'wholesale' WHEN rank < 600 THEN 'business' ELSE 'consumer' END)::shop.customer_segment,
  (seed.dice(rank, 18, 400) * seed.dice(rank, 19, 40) / (1 + rank / 500))::integer,
  seed.dice(rank, 20, 10) < 4,
  jsonb_build_object(
    'language', seed.pick('{nl,nl,nl,de,de,fr,fr,en,es}', rank, 21),
    'theme', seed.pick('{light,dark,system}', rank, 22),
    'channels', CASE seed.dice(rank, 23, 4)
      WHEN 0 THEN '[]' WHEN 1 THEN '["mail"]' WHEN 2 THEN '["mail", "push"]' ELSE '["sms"]' END::jsonb
  ),
  CASE WHEN rank > 100 AND seed.dice(rank, 24, 10) < 2 THEN seed.customer_of(seed.dice(rank, 25, rank)) END,
  seed.joined_at(rank),
  '$argon2id$v=19$HIDDEN-PASSWORD-' || lpad(id::text, 6, '0'),
  CASE WHEN rank < 600 THEN 'HIDDEN-TAX-' || lpad(id::text, 6, '0') END
FROM (
  SELECT
    rank,
    seed.customer_of(rank) AS id,
    seed.first_name(rank, 9) AS first_name,
    seed.last_name(rank, 10) AS last_name
  FROM generate_series(0, 7999) AS rank
) AS people
ORDER BY id;

INSERT INTO shop.addresses (id, customer_id, kind, line1, postal_code, city, country, location, is_default)
SELECT
  g,
  CASE WHEN g <= 8000 THEN g ELSE (g - 8000) * 4 - 3 END,
  CASE WHEN g <= 8000 THEN 'home' ELSE seed.pick('{work,work,depot}', g, 31) END,
  seed.pick('{Kerkstraat,Hauptstraße,"Rue de la Gare",Dorpsstraat,"High Street","Calle Mayor",Lindenlaan,Bahnhofstraße,"Avenue Foch",Marktplein}', g, 32)
    || ' ' || (1 + seed.dice(g, 33, 240)),
  CASE country
    WHEN 'NL' THEN (1000 + seed.dice(g, 34, 8999))::text || ' ' || chr((65 + seed.dice(g, 35, 26))::integer) || chr((65 + seed.dice(g, 36, 26))::integer)
    WHEN 'GB' THEN 'M' || (1 + seed.dice(g, 34, 40)) || ' ' || seed.dice(g, 35, 9) || 'QX'
    WHEN 'BE' THEN (1000 + seed.dice(g, 34, 8999))::text
    ELSE lpad((1000 + seed.dice(g, 34, 89999))::text, 5, '0')
  END,
  city,
  country,
  point(
    (longitude * 1000 + seed.dice(g, 37, 120) - 60) / 1000.0,
    (latitude * 1000 + seed.dice(g, 38, 80) - 40) / 1000.0
  ),
  g <= 8000
FROM generate_series(1, 10000) AS g
JOIN (
  VALUES
    (0, 17, 'Amsterdam', 'NL', 4.9, 52.37), (17, 27, 'Rotterdam', 'NL', 4.48, 51.92), (27, 35, 'Utrecht', 'NL', 5.12, 52.09),
    (35, 45, 'Berlin', 'DE', 13.4, 52.52), (45, 53, 'Köln', 'DE', 6.96, 50.94), (53, 60, 'München', 'DE', 11.58, 48.14),
    (60, 69, 'Paris', 'FR', 2.35, 48.86), (69, 75, 'Lyon', 'FR', 4.84, 45.76), (75, 81, 'Antwerpen', 'BE', 4.4, 51.22),
    (81, 85, 'Liège', 'BE', 5.57, 50.63), (85, 93, 'Manchester', 'GB', -2.24, 53.48), (93, 100, 'Málaga', 'ES', -4.42, 36.72)
) AS cities (from_share, to_share, city, country, longitude, latitude)
  ON seed.dice(g, 30, 100) >= from_share AND seed.dice(g, 30, 100) < to_share
ORDER BY g;

INSERT INTO shop.products (
  id, sku, name, category, description, price, cost, tags, attributes, box, suitable_age, introduced_on, discontinued_on
)
SELECT
  id,
  upper(left(category, 3)) || '-' || lpad((1000 + id)::text, 4, '0'),
  style || ' ' || noun || CASE WHEN seed.dice(id, 42, 3) = 0 THEN ' ' || seed.pick('{Mini,Pro,XL,II,Plus}', id, 43) ELSE '' END,
  category,
  'The ' || style || ' ' || lower(noun) || ' is made of ' || material || ' and comes in ' || color || '. '
    || seed.pick('{"A favourite of our customers.","Repairable, with spare parts for ten years.","Packed without plastic.","Designed in Eindhoven.","Tested by people who use it every day."}', id, 44),
  price,
  round(price * (45 + seed.dice(id, 45, 28)) / 100, 2),
  ARRAY[
    CASE WHEN seed.dice(id, 46, 5) = 0 THEN 'bestseller' END,
    CASE WHEN seed.dice(id, 47, 4) = 0 THEN 'eco' END,
    CASE WHEN seed.dice(id, 48, 3) = 0 THEN 'gift' END,
    CASE WHEN id > 450 THEN 'new' END,
    seed.pick('{home,office,travel,family,workshop}', id, 49)
  ]::text[],
  jsonb_build_object(
    'color', color,
    'material', material,
    'warranty_months', 12 * (1 + seed.dice(id, 50, 4)),
    'variants', jsonb_build_array(
      jsonb_build_object('size', 'S', 'stock_hint', seed.dice(id, 51, 60)),
      jsonb_build_object('size', 'L', 'stock_hint', seed.dice(id, 52, 60))
    )
  ) || CASE WHEN category IN ('audio', 'cameras', 'coffee', 'lighting') THEN jsonb_build_object(
    'energy', jsonb_build_object('class', seed.pick('{A,A,B,C,D}', id, 53), 'watts', (5 + seed.dice(id, 54, 900)) / 10.0)
  ) ELSE '{}' END,
  CASE WHEN category <> 'books' OR seed.dice(id, 55, 4) > 0 THEN
    ROW(10 + seed.dice(id, 56, 60), 5 + seed.dice(id, 57, 50), 4 + seed.dice(id, 58, 40))::shop.box_size END,
  CASE WHEN category = 'toys' THEN int4range((2 + seed.dice(id, 59, 8))::integer, (11 + seed.dice(id, 60, 6))::integer) END,
  introduced_on,
  CASE WHEN id <= 450 AND seed.dice(id, 61, 14) = 0 THEN introduced_on + 500 + seed.dice(id, 62, 900)::integer END
FROM (
  SELECT
    g AS id,
    category,
    nouns[1 + seed.dice(g, 63, array_length(nouns, 1)::bigint)] AS noun,
    seed.pick('{Oslo,Riva,Alba,Tundra,Juno,Vesper,Kiln,Marlow,Pico,Delta,Fjord,Sable}', g, 64) AS style,
    seed.pick(materials, g, 65) AS material,
    seed.pick('{black,white,sage,navy,sand,terracotta,yellow}', g, 66) AS color,
    (base * (60 + seed.dice(g, 67, 140)) / 100)::numeric(10, 2) - 0.05 AS price,
    CASE WHEN g <= 450 THEN date '2021-02-01' + seed.dice(g, 68, 1400)::integer
      ELSE date '2025-04-05' + ((g - 450) * 10) END AS introduced_on
  FROM generate_series(1, 500) AS g
  JOIN (
    VALUES
      (0, 'audio', 120, '{Headphones,Speaker,Turntable,Microphone,Soundbar}'::text[], '{walnut,aluminium,"recycled plastic"}'::text[]),
      (1, 'books', 24, '{Cookbook,Atlas,Novel,"Field Guide",Journal}', '{"recycled paper",linen,paper}'),
      (2, 'cameras', 380, '{Camera,Lens,Tripod,"Camera Bag",Flash}', '{magnesium,aluminium,canvas}'),
      (3, 'coffee', 95, '{Grinder,"Espresso Machine",Kettle,Dripper,Scale}', '{steel,glass,ceramic,cork}'),
      (4, 'cycling', 70, '{Helmet,Pannier,Lock,Pump,Light}', '{aluminium,nylon,"recycled plastic"}'),
      (5, 'garden', 45, '{Planter,Shears,Trowel,Hose,Bench}', '{oak,steel,terracotta,bamboo}'),
      (6, 'kitchen', 55, '{Knife,"Cutting Board",Pan,Casserole,Apron}', '{steel,oak,"cast iron",linen}'),
      (7, 'lighting', 85, '{"Floor Lamp",Pendant,"Desk Lamp",Lantern,"Wall Lamp"}', '{brass,glass,paper,oak}'),
      (8, 'outdoor', 110, '{Tent,Backpack,"Sleeping Bag",Stove,Bottle}', '{canvas,nylon,titanium,merino}'),
      (9, 'toys', 32, '{"Wooden Train",Puzzle,Kite,"Building Set",Doll}', '{beech,felt,cardboard,cotton}')
  ) AS kinds (slot, category, base, nouns, materials) ON slot = g % 10
) AS articles
ORDER BY id;

UPDATE shop.products SET tags = array_remove(tags, NULL);

INSERT INTO shop.promotions (code, title, discount, valid, blackout, categories) VALUES
  ('SPRING25', 'Spring cleaning', 10, '[2025-04-22,2025-05-05)', '{}', '{kitchen,garden,lighting}'),
  ('RIDE25', 'Bike weeks', 12.5, '[2025-06-10,2025-06-24)', '{[2025-06-14,2025-06-16)}', '{cycling,outdoor}'),
  ('SCHOOL25', 'Back to school', 8, '[2025-08-18,2025-09-08)', '{}', '{books,toys}'),
  ('BLACK25', 'Black week', 25, '[2025-11-24,2025-12-01)', '{}', '{audio,cameras,coffee,kitchen,lighting,toys}'),
  ('ADVENT25', 'Advent', 10, '[2025-12-01,2025-12-22)', '{[2025-12-06,2025-12-07),[2025-12-13,2025-12-15)}', '{books,toys,coffee}'),
  ('SPRING26', 'Spring cleaning', 10, '[2026-04-20,2026-05-04)', '{}', '{kitchen,garden,lighting}'),
  ('RIDE26', 'Bike weeks', 15, '[2026-06-08,2026-06-22)', '{}', '{cycling,outdoor}'),
  ('SCHOOL26', 'Back to school', 8, '[2026-08-17,2026-09-07)', '{}', '{books,toys}');

-- The statements that follow need to know how little that is.
ANALYZE shop.customers, shop.products, shop.promotions;

-- Orders and what follows from them.

-- Compiling takes longer than these statements do.
SET jit = off;
SET work_mem = '32MB';

INSERT INTO shop.orders (
  id, ordered_at, customer_id, address_id, sales_rep_id, status, channel, coupon_code, carrier, shipping_fee,
  promised_on, shipped_at, delivered_at, note
)
WITH placed AS MATERIALIZED (
  SELECT
    id,
    day,
    day::timestamp AT TIME ZONE 'UTC' + interval '1 second' * (21600 + seed.dice(id, 70, 61200)) AS ordered_at,
    seed.rank_of(id, 71, 8000) AS wanted_rank,
    seed.pick('{web,web,web,web,web,app,app,app,store,phone}', id, 69) AS channel,
    seed.pick('{NordPost,NordPost,NordPost,SwiftHare,SwiftHare,ParcelPal,ParcelPal,Kestrel}', id, 74) AS carrier
  FROM seed.days, generate_series(orders_before + 1, orders_until) AS id
),
handed_over AS MATERIALIZED (
  SELECT
    id,
    day,
    ordered_at,
    channel,
    CASE WHEN channel <> 'store' THEN carrier END AS carrier,
    -- Nobody orders before having an account.
    CASE WHEN wanted_rank < 4000 OR seed.joined_at(wanted_rank) < ordered_at THEN wanted_rank
      ELSE seed.dice(id, 72, 4000) END AS rank,
    CASE WHEN channel = 'store' THEN ordered_at
      ELSE ordered_at + interval '1 second' * (14400 + seed.dice(id, 73, 110000)) END AS shipped_at
  FROM placed
),
followed AS MATERIALIZED (
  SELECT
    *,
    seed.customer_of(rank) AS customer_id,
    -- Slow: one carrier, December, and now and then a parcel that goes astray.
    CASE WHEN channel = 'store' THEN ordered_at ELSE shipped_at + interval '1 second' * (
      72000 + seed.dice(id, 76, 120000)
      + CASE WHEN carrier = 'Kestrel' THEN seed.dice(id, 77, 190000) ELSE 0 END
      + CASE WHEN extract(month FROM day) = 12 THEN seed.dice(id, 80, 150000) ELSE 0 END
      + CASE WHEN seed.dice(id, 81, 40) = 0 THEN 260000 ELSE 0 END
    ) END AS delivered_at,
    CASE
      WHEN seed.dice(id, 75, 100) < 4 THEN 'cancelled'
      WHEN channel = 'store' THEN 'delivered'
      WHEN day > date '2026-09-29' THEN CASE WHEN seed.dice(id, 82, 3) = 0 THEN 'pending' ELSE 'paid' END
      WHEN day > date '2026-09-28' THEN 'packed'
      WHEN day > date '2026-09-24' THEN 'shipped'
      WHEN seed.dice(id, 75, 100) < CASE WHEN carrier = 'Kestrel' THEN 13 ELSE 9 END THEN 'returned'
      ELSE 'delivered'
    END AS status
  FROM handed_over
)
SELECT
  id,
  ordered_at,
  customer_id,
  -- Every fourth customer, from the first, has a second address, and uses it every third time.
  CASE WHEN customer_id % 4 = 1 AND id % 3 = 0 THEN 8000 + (customer_id + 3) / 4 ELSE customer_id END,
  CASE WHEN rank < 600 THEN 8 + (rank % 36)::integer END,
  status::shop.order_status,
  channel,
  CASE WHEN seed.dice(id, 83, 10) < 4 THEN promo.code END,
  carrier,
  CASE WHEN channel = 'store' THEN 0 WHEN rank < 600 THEN 12.5 ELSE 4.95 END,
  CASE WHEN channel = 'store' THEN day ELSE day + 4 END,
  CASE WHEN status IN ('shipped', 'delivered', 'returned') THEN shipped_at END,
  CASE WHEN status IN ('delivered', 'returned') THEN delivered_at END,
  CASE WHEN seed.dice(id, 78, 14) = 0 THEN seed.pick(
    '{"Please leave it with the neighbours.","Ring twice.","It is a present, no invoice in the box please.","Call before delivery.","Not before noon."}', id, 79) END
FROM followed
LEFT JOIN shop.promotions AS promo ON promo.valid @> day AND NOT promo.blackout @> day
ORDER BY id;

INSERT INTO shop.order_items (order_id, line_no, ordered_at, product_id, quantity, unit_price, discount)
SELECT
  o.id,
  line_no,
  o.ordered_at,
  p.id,
  CASE c.segment
    WHEN 'wholesale' THEN 5 + seed.dice(o.id * 8 + line_no, 91, 25)
    WHEN 'business' THEN 1 + seed.dice(o.id * 8 + line_no, 91, 6)
    ELSE 1 + seed.dice(o.id * 8 + line_no, 91, 5) / 3
  END,
  CASE WHEN o.ordered_at < timestamptz '2026-01-01 00:00:00+00' THEN round(p.price * 0.96, 2) ELSE p.price END,
  CASE WHEN p.category = ANY (promo.categories) THEN promo.discount ELSE 0 END
FROM shop.orders AS o
JOIN shop.customers AS c ON c.id = o.customer_id
CROSS JOIN LATERAL generate_series(1, 1 + seed.dice(o.id, 90, 6) * seed.dice(o.id, 95, 6) / 4) AS line_no
JOIN shop.products AS p ON p.id = seed.product_of(seed.rank_of(o.id * 8 + line_no, 92, 500))
LEFT JOIN shop.promotions AS promo ON promo.code = o.coupon_code
ORDER BY o.id, line_no;

INSERT INTO shop.payments (id, order_id, ordered_at, method, amount, outcome, paid_at, processor_token)
WITH bills AS MATERIALIZED (
  SELECT o.id AS order_id, o.ordered_at, o.status, o.delivered_at, c.segment, o.shipping_fee + i.items_total AS total
  FROM shop.orders AS o
  JOIN shop.customers AS c ON c.id = o.customer_id
  JOIN (SELECT order_id, sum(line_total) AS items_total FROM shop.order_items GROUP BY order_id) AS i ON i.order_id = o.id
  WHERE o.status NOT IN ('pending', 'cancelled')
)
SELECT
  row_number() OVER (ORDER BY order_id, step),
  order_id,
  ordered_at,
  (CASE WHEN segment <> 'consumer' AND seed.dice(order_id, 101, 10) < 7 THEN 'invoice'
    ELSE seed.pick('{card,card,card,wallet,wallet,transfer}', order_id, 102) END)::shop.payment_method,
  CASE outcome WHEN 'refunded' THEN -total ELSE total END,
  outcome,
  CASE outcome
    WHEN 'refunded' THEN delivered_at + interval '1 second' * (200000 + seed.dice(order_id, 103, 600000))
    WHEN 'failed' THEN ordered_at + interval '45 seconds'
    ELSE ordered_at + interval '1 second' * (60 + seed.dice(order_id, 104, 7200))
  END,
  'HIDDEN-CARD-' || order_id || '-' || step
FROM bills
CROSS JOIN (VALUES (1, 'failed'), (2, 'captured'), (3, 'refunded')) AS steps (step, outcome)
WHERE outcome = 'captured'
  OR (outcome = 'failed' AND seed.dice(order_id, 100, 33) = 0)
  OR (outcome = 'refunded' AND status = 'returned')
ORDER BY order_id, step;

INSERT INTO shop.stock_movements (id, product_id, warehouse, kind, quantity, moved_at)
SELECT
  g,
  1 + g % 500,
  seed.pick('{rotterdam,rotterdam,leipzig,lyon}', g % 500, 110),
  kind::shop.movement_kind,
  CASE kind
    WHEN 'receipt' THEN 40 + seed.dice(g, 112, 160)
    WHEN 'sale' THEN -1 - seed.dice(g, 112, 60)
    WHEN 'return' THEN 1 + seed.dice(g, 112, 4)
    ELSE -1 - seed.dice(g, 112, 3)
  END,
  timestamptz '2025-04-01 05:00:00+00' + interval '1 second' * (g::bigint * 3940 + seed.dice(g, 113, 3600))
FROM (
  SELECT g, seed.pick('{receipt,receipt,sale,sale,sale,sale,sale,return,adjustment}', g, 111) AS kind
  FROM generate_series(1, 12000) AS g
) AS movements;

-- Audio was good until a bad batch in March 2026; all else keeps its level.
INSERT INTO shop.reviews (id, product_id, customer_id, rating, title, body, helpful_votes, created_at)
SELECT
  row_number() OVER (ORDER BY created_at, order_id, line_no),
  product_id,
  customer_id,
  rating,
  CASE rating
    WHEN 5 THEN seed.pick('{Excellent,"Exactly what I wanted","Love it","Five stars","Best one I ever had"}', n, 121)
    WHEN 4 THEN seed.pick('{Good,"Very decent","Happy with it","Nearly perfect"}', n, 121)
    WHEN 3 THEN seed.pick('{"It is fine",Average,"Does the job","Mixed feelings"}', n, 121)
    WHEN 2 THEN seed.pick('{Disappointed,"Not for me","Expected more"}', n, 121)
    ELSE seed.pick('{Broken,"Send it back","Never again","Stopped working"}', n, 121)
  END,
  'Bought the ' || name || CASE WHEN late THEN ', which came late. ' ELSE '. ' END
    || CASE
      WHEN rating >= 4 THEN seed.pick('{"Solid build and it looks even better than in the picture.","Use it every day, no complaints so far.","My sister wants one too.","Quick delivery and a careful packing."}', n, 122)
      WHEN rating = 3 THEN seed.pick('{"The manual could be better.","Works, but the finish is rough.","A bit smaller than I thought."}', n, 122)
      WHEN category = 'audio' THEN seed.pick('{"The left channel crackles after a week.","Battery died within days.","Loud hum as soon as it is plugged in."}', n, 122)
      ELSE seed.pick('{"A screw was missing.","The colour is not that of the picture.","It broke in the second week."}', n, 122)
    END,
  (seed.dice(n, 123, 12) * seed.dice(n, 124, 12) / 12)::integer,
  created_at
FROM (
  SELECT
    i.order_id, i.line_no, i.product_id, o.customer_id, p.name, p.category,
    i.order_id * 8 + i.line_no AS n,
    (o.delivered_at AT TIME ZONE 'UTC')::date > o.promised_on AS late,
    o.delivered_at + interval '1 second' * (86400 + seed.dice(i.order_id * 8 + i.line_no, 125, 1500000)) AS created_at,
    greatest(1, least(5,
      (ARRAY[5, 5, 5, 5, 4, 4, 4, 3, 3, 2, 1])[1 + seed.dice(i.order_id * 8 + i.line_no, 126, 11)]
      - CASE WHEN (o.delivered_at AT TIME ZONE 'UTC')::date > o.promised_on THEN 1 ELSE 0 END
      - CASE WHEN p.category = 'audio' AND o.ordered_at >= timestamptz '2026-03-01 00:00:00+00' THEN 2 ELSE 0 END
    ))::smallint AS rating
  FROM shop.order_items AS i
  JOIN shop.orders AS o ON o.id = i.order_id AND o.ordered_at = i.ordered_at
  JOIN shop.products AS p ON p.id = i.product_id
  WHERE o.status = 'delivered' AND seed.dice(i.order_id * 8 + i.line_no, 120, 8) = 0
) AS written
WHERE created_at < timestamptz '2026-10-01 00:00:00+00';

INSERT INTO shop.support_tickets (id, customer_id, team, priority, subject, body, opened_at, closed_at)
SELECT
  g,
  seed.customer_of(seed.rank_of(g, 131, 8000)),
  team,
  1 + seed.dice(g, 132, 4),
  CASE team
    WHEN 'delivery' THEN seed.pick('{"Where is my parcel?","Parcel arrived damaged","Wrong address"}', g, 133)
    WHEN 'product' THEN seed.pick('{"How do I descale it?","Spare part wanted","Is it dishwasher safe?"}', g, 133)
    WHEN 'billing' THEN seed.pick('{"Invoice with VAT number","Charged twice","Refund not there yet"}', g, 133)
    ELSE 'HIDDEN-ROW-' || g || ' ' || seed.pick('{"Chargeback under review","Letter from a lawyer","Account takeover"}', g, 133)
  END,
  CASE WHEN team IN ('fraud', 'legal') THEN 'HIDDEN-ROW-' || g || '. Confidential file.'
    ELSE 'Hello, ' || seed.pick('{"can you help me with this?","I wrote last week already.","this is about my order of this month.","thanks in advance."}', g, 134) END,
  opened_at,
  CASE WHEN g % 2000 < 1940 OR seed.dice(g, 135, 3) = 0 THEN
    opened_at + interval '1 second' * (1800 + seed.dice(g, 136, 90000) * (1 + seed.dice(g, 132, 4))) END
FROM (
  SELECT
    g,
    seed.pick('{delivery,delivery,delivery,delivery,product,product,product,billing,billing,fraud,legal}', g, 130) AS team,
    timestamptz '2025-10-01 06:00:00+00' + interval '1 second' * (g::bigint * 15700 + seed.dice(g, 137, 15000)) AS opened_at
  FROM generate_series(1, 2000) AS g
) AS mails;

RESET jit;
RESET work_mem;

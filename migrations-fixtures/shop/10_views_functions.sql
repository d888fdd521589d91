-- Views, a materialized view, row level security, and the functions that the shop itself uses.

CREATE VIEW shop.order_totals AS
SELECT
  o.id AS order_id,
  o.ordered_at,
  o.customer_id,
  o.status,
  o.channel,
  sum(i.line_total) AS items_total,
  sum(i.line_total) + o.shipping_fee AS total,
  count(*) AS lines,
  (o.delivered_at AT TIME ZONE 'UTC')::date > o.promised_on AS late
FROM shop.orders AS o
JOIN shop.order_items AS i ON i.order_id = o.id AND i.ordered_at = o.ordered_at
GROUP BY o.id, o.ordered_at, o.customer_id, o.status, o.channel, o.shipping_fee, o.delivered_at, o.promised_on;
COMMENT ON VIEW shop.order_totals IS 'Orders with what they came to. Cancelled ones included: filter on status for revenue.';
COMMENT ON COLUMN shop.order_totals.order_id IS 'The order.';
COMMENT ON COLUMN shop.order_totals.ordered_at IS 'When the customer confirmed.';
COMMENT ON COLUMN shop.order_totals.customer_id IS 'Who ordered.';
COMMENT ON COLUMN shop.order_totals.status IS 'How far it is.';
COMMENT ON COLUMN shop.order_totals.channel IS 'web, app, store or phone.';
COMMENT ON COLUMN shop.order_totals.items_total IS 'EUR without shipping.';
COMMENT ON COLUMN shop.order_totals.total IS 'EUR with shipping.';
COMMENT ON COLUMN shop.order_totals.lines IS 'Number of lines.';
COMMENT ON COLUMN shop.order_totals.late IS 'Delivered after the promised day; NULL when not delivered.';

CREATE MATERIALIZED VIEW shop.monthly_sales AS
SELECT
  date_trunc('month', o.ordered_at AT TIME ZONE 'UTC')::date AS month,
  p.category,
  count(DISTINCT o.id) AS orders,
  sum(i.quantity) AS units,
  sum(i.line_total) AS revenue,
  sum(i.line_total) - sum(i.quantity * p.cost) AS margin
FROM shop.orders AS o
JOIN shop.order_items AS i ON i.order_id = o.id AND i.ordered_at = o.ordered_at
JOIN shop.products AS p ON p.id = i.product_id
WHERE o.status NOT IN ('cancelled', 'returned')
GROUP BY 1, 2;
CREATE UNIQUE INDEX monthly_sales_key ON shop.monthly_sales (month, category);
COMMENT ON MATERIALIZED VIEW shop.monthly_sales IS 'Sales by month and category, without cancelled and returned orders.';
COMMENT ON COLUMN shop.monthly_sales.month IS 'First day of the month (UTC).';
COMMENT ON COLUMN shop.monthly_sales.category IS 'Category of the products.';
COMMENT ON COLUMN shop.monthly_sales.orders IS 'Orders with at least one such product.';
COMMENT ON COLUMN shop.monthly_sales.units IS 'Pieces.';
COMMENT ON COLUMN shop.monthly_sales.revenue IS 'EUR.';
COMMENT ON COLUMN shop.monthly_sales.margin IS 'Revenue less the present cost of the pieces, EUR.';

ALTER TABLE shop.support_tickets ENABLE ROW LEVEL SECURITY;
CREATE POLICY tickets_of_my_teams ON shop.support_tickets
  FOR SELECT
  USING (team IN (SELECT access.team FROM app.team_access AS access WHERE access.login = current_user));
COMMENT ON POLICY tickets_of_my_teams ON shop.support_tickets IS 'A login sees the tickets of its teams.';

CREATE FUNCTION shop.with_vat(net numeric, rate numeric DEFAULT 21) RETURNS numeric
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT pg_catalog.round(net * (100 + rate) / 100, 2) $$;
COMMENT ON FUNCTION shop.with_vat(numeric, numeric) IS 'Adds VAT of that many per cent. Reads nothing.';

CREATE FUNCTION shop.stock_of(product integer) RETURNS bigint
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT pg_catalog.sum(quantity) FROM shop.stock_movements WHERE product_id = product $$;
COMMENT ON FUNCTION shop.stock_of(integer) IS 'Pieces of a product in all warehouses. Runs as the caller.';

CREATE FUNCTION staff.reports_of(boss integer)
  RETURNS TABLE (id integer, full_name text, depth integer)
  LANGUAGE sql STABLE
  AS $$
    WITH RECURSIVE team AS (
      SELECT e.id, e.full_name, 1 AS depth FROM staff.employees AS e WHERE e.manager_id = boss
      UNION ALL
      SELECT e.id, e.full_name, team.depth + 1 FROM staff.employees AS e JOIN team ON e.manager_id = team.id
    )
    SELECT team.id, team.full_name, team.depth FROM team
  $$;
COMMENT ON FUNCTION staff.reports_of(integer) IS 'Everyone below an employee, with the distance. Runs as the caller.';

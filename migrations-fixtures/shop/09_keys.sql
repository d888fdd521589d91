-- Keys, references and indexes, once the rows are there.

ALTER TABLE shop.customers
  ADD PRIMARY KEY (id),
  ADD UNIQUE (customer_no),
  ADD UNIQUE (email),
  ADD FOREIGN KEY (referred_by) REFERENCES shop.customers (id);
CREATE INDEX customers_by_name ON shop.customers (lower(full_name));
CREATE INDEX customers_by_segment ON shop.customers (segment) WHERE segment <> 'consumer';

ALTER TABLE shop.addresses
  ADD PRIMARY KEY (id),
  ADD FOREIGN KEY (customer_id) REFERENCES shop.customers (id);
CREATE INDEX addresses_of_customer ON shop.addresses (customer_id);
CREATE UNIQUE INDEX addresses_one_default ON shop.addresses (customer_id) WHERE is_default;
CREATE INDEX addresses_by_country ON shop.addresses (country, city);

ALTER TABLE shop.products ADD PRIMARY KEY (id), ADD UNIQUE (sku);
CREATE INDEX products_by_category ON shop.products (category, price);
CREATE INDEX products_by_tag ON shop.products USING gin (tags);
CREATE INDEX products_by_attribute ON shop.products USING gin (attributes jsonb_path_ops);

ALTER TABLE shop.promotions
  ADD PRIMARY KEY (code),
  ADD CONSTRAINT one_promotion_a_day EXCLUDE USING gist (valid WITH &&);

ALTER TABLE shop.orders
  ADD PRIMARY KEY (id, ordered_at),
  ADD FOREIGN KEY (customer_id) REFERENCES shop.customers (id),
  ADD FOREIGN KEY (address_id) REFERENCES shop.addresses (id),
  ADD FOREIGN KEY (coupon_code) REFERENCES shop.promotions (code);
CREATE INDEX orders_of_customer ON shop.orders (customer_id, ordered_at);
CREATE INDEX orders_by_time ON shop.orders (ordered_at);
CREATE INDEX orders_open ON shop.orders (status) WHERE status IN ('pending', 'paid', 'packed', 'shipped');

ALTER TABLE shop.order_items
  ADD PRIMARY KEY (order_id, line_no),
  ADD FOREIGN KEY (order_id, ordered_at) REFERENCES shop.orders (id, ordered_at),
  ADD FOREIGN KEY (product_id) REFERENCES shop.products (id);
CREATE INDEX order_items_of_product ON shop.order_items (product_id, ordered_at);

ALTER TABLE shop.payments
  ADD PRIMARY KEY (id),
  ADD FOREIGN KEY (order_id, ordered_at) REFERENCES shop.orders (id, ordered_at);
CREATE INDEX payments_of_order ON shop.payments (order_id);
CREATE INDEX payments_by_time ON shop.payments (paid_at);

ALTER TABLE shop.stock_movements
  ADD PRIMARY KEY (id),
  ADD FOREIGN KEY (product_id) REFERENCES shop.products (id);
CREATE INDEX stock_movements_of_product ON shop.stock_movements (product_id, moved_at);
CREATE INDEX stock_movements_by_time ON shop.stock_movements USING brin (moved_at);

ALTER TABLE shop.reviews
  ADD PRIMARY KEY (id),
  ADD FOREIGN KEY (product_id) REFERENCES shop.products (id),
  ADD FOREIGN KEY (customer_id) REFERENCES shop.customers (id);
CREATE INDEX reviews_of_product ON shop.reviews (product_id, created_at);
CREATE INDEX reviews_full_text ON shop.reviews USING gin (search);

ALTER TABLE shop.support_tickets
  ADD PRIMARY KEY (id),
  ADD FOREIGN KEY (customer_id) REFERENCES shop.customers (id);
CREATE INDEX support_tickets_open ON shop.support_tickets (priority, opened_at) WHERE closed_at IS NULL;

ALTER TABLE staff.departments ADD PRIMARY KEY (id), ADD UNIQUE (name);

ALTER TABLE staff.employees
  ADD PRIMARY KEY (id),
  ADD UNIQUE (email),
  ADD UNIQUE (ssn),
  ADD FOREIGN KEY (department_id) REFERENCES staff.departments (id),
  ADD FOREIGN KEY (manager_id) REFERENCES staff.employees (id);
CREATE INDEX employees_by_manager ON staff.employees (manager_id);

ALTER TABLE shop.orders ADD FOREIGN KEY (sales_rep_id) REFERENCES staff.employees (id);

ALTER TABLE staff.payroll
  ADD PRIMARY KEY (employee_id, month),
  ADD FOREIGN KEY (employee_id) REFERENCES staff.employees (id);

ALTER TABLE app.sessions
  ADD PRIMARY KEY (id),
  ADD UNIQUE (token),
  ADD FOREIGN KEY (customer_id) REFERENCES shop.customers (id);
CREATE INDEX sessions_by_time ON app.sessions (started_at);

ALTER TABLE app.api_keys ADD PRIMARY KEY (id);
ALTER TABLE app.team_access ADD PRIMARY KEY (login, team);

-- Identity columns go on where the rows end.
ALTER TABLE shop.customers ALTER COLUMN id RESTART WITH 100001;
ALTER TABLE shop.addresses ALTER COLUMN id RESTART WITH 100001;
ALTER TABLE shop.products ALTER COLUMN id RESTART WITH 100001;
ALTER TABLE shop.orders ALTER COLUMN id RESTART WITH 100001;
ALTER TABLE shop.payments ALTER COLUMN id RESTART WITH 100001;
ALTER TABLE shop.stock_movements ALTER COLUMN id RESTART WITH 100001;
ALTER TABLE shop.reviews ALTER COLUMN id RESTART WITH 100001;
ALTER TABLE shop.support_tickets ALTER COLUMN id RESTART WITH 100001;
ALTER TABLE staff.employees ALTER COLUMN id RESTART WITH 100001;

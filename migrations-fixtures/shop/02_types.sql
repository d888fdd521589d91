-- Enums, domains and a composite type of the shop.

CREATE TYPE shop.customer_segment AS ENUM ('consumer', 'business', 'wholesale');
COMMENT ON TYPE shop.customer_segment IS 'Kind of customer, smallest first.';

CREATE TYPE shop.order_status AS ENUM
  ('pending', 'paid', 'packed', 'shipped', 'delivered', 'cancelled', 'returned');
COMMENT ON TYPE shop.order_status IS 'Stages of an order in their order; cancelled and returned are ends of their own.';

CREATE TYPE shop.payment_method AS ENUM ('card', 'transfer', 'wallet', 'invoice');
COMMENT ON TYPE shop.payment_method IS 'How a payment came in.';

CREATE TYPE shop.movement_kind AS ENUM ('receipt', 'sale', 'return', 'adjustment');
COMMENT ON TYPE shop.movement_kind IS 'Why the stock of a product changed.';

CREATE DOMAIN shop.email_address AS text
  CONSTRAINT email_address_shape CHECK (VALUE ~ '^[^@[:space:]]+@[^@[:space:]]+[.][a-z]+$');
COMMENT ON DOMAIN shop.email_address IS 'One mail address: something, an at sign, a host name.';

CREATE DOMAIN shop.country_code AS character(2)
  CONSTRAINT country_code_shape CHECK (VALUE ~ '^[A-Z]{2}$');
COMMENT ON DOMAIN shop.country_code IS 'ISO 3166-1 alpha-2.';

CREATE DOMAIN shop.percentage AS numeric(5, 2)
  CONSTRAINT percentage_bounds CHECK (VALUE BETWEEN 0 AND 100);
COMMENT ON DOMAIN shop.percentage IS '0 to 100, two digits after the point.';

CREATE TYPE shop.box_size AS (width_cm integer, height_cm integer, depth_cm integer);
COMMENT ON TYPE shop.box_size IS 'Outer measures of the parcel that a product ships in.';
COMMENT ON COLUMN shop.box_size.width_cm IS 'Width in centimetres.';
COMMENT ON COLUMN shop.box_size.height_cm IS 'Height in centimetres.';
COMMENT ON COLUMN shop.box_size.depth_cm IS 'Depth in centimetres.';

-- A small knowledge base: what people ask a shop.
CREATE TABLE shop.articles (
    id integer PRIMARY KEY,
    title text NOT NULL,
    body text,
    audience text NOT NULL DEFAULT 'all',
    author text NOT NULL DEFAULT 'canary-author',
    internal text NOT NULL DEFAULT 'canary-internal',
    search tsvector GENERATED ALWAYS AS (to_tsvector('english', title || ' ' || coalesce(body, ''))) STORED
);
INSERT INTO shop.articles (id, title, body) VALUES
(1, 'Returning a product', 'You may send back what you bought within thirty days. Print the label from your account and hand the parcel over at any post office.'),
(2, 'Damaged parcels', 'If something arrives broken, take photographs of the box and tell us within a week. We send a replacement at no cost.'),
(3, 'Delivery times', 'Orders leave our warehouse on the same day when they are placed before noon. Within the country they take two days, abroad up to seven.'),
(4, 'Ways to pay', 'We take cards, bank transfer and invoices. An invoice is due after fourteen days.'),
(5, 'Gift vouchers', 'A voucher can be bought for any amount and is good for three years. Its code is entered at the checkout.'),
(6, 'Changing your password', 'Open the settings of your account and choose Security. If you have forgotten the old one, ask for a link by email.'),
(7, 'Warranty for electronics', 'Devices are repaired free of charge for two years. Batteries are covered for one.'),
(8, 'Cancelling an order', 'An order can be stopped until it is packed. Afterwards refuse the parcel at the door and it comes back to us.'),
(9, 'Refunds', 'Money goes back the way it came, usually within five working days after we have received the goods.'),
(10, 'Sizes of shoes and clothes', 'The table of sizes shows centimetres. Between two sizes take the larger one.'),
(11, 'Newsletter', 'You can unsubscribe from our emails with the link at the bottom of each of them.'),
(12, 'Opening hours of the shops', 'Our shops in Copenhagen and Hamburg are open from nine to six, on Saturdays until two, and closed on Sundays.'),
(13, 'Bulk orders for companies', 'Companies that order more than fifty pieces get a discount and a contact of their own.'),
(14, 'Privacy', 'We keep your address as long as you have an account and delete your data on request.'),
(15, 'Assembling the bookshelf', 'Screw the side panels to the back wall first. The shelves are put in last; no glue is needed.');

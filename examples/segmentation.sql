-- A customer segmentation, from raw orders to a nightly prediction and a monthly comparison. Everything is made here, in SQL.

-- 1. Raw orders of two months: regulars, bargain hunters and a few wholesale customers, who behave as their kind does.
CREATE TABLE orders AS
WITH customers AS (
  SELECT c AS customer, CASE WHEN c % 10 < 6 THEN 'regular' WHEN c % 10 < 9 THEN 'bargain' ELSE 'wholesale' END AS kind
  FROM range(400) r(c)
)
SELECT customer,
       DATE '2024-01-01' + ((customer * 7 + o * 11) % 60)::INTEGER AS day,
       round(CASE kind WHEN 'regular' THEN 42 WHEN 'bargain' THEN 18 ELSE 640 END
             * exp(0.25 * sin(customer * 3.1 + o * 1.7)), 2) AS amount,
       kind = 'bargain' AND (customer + o) % 5 > 0 AS discounted
FROM customers, range(60) s(o)
WHERE o < CASE kind WHEN 'regular' THEN 14 WHEN 'bargain' THEN 36 ELSE 24 END
          * exp(0.15 * (sin(customer * 1.7) + sin(customer * 2.9) + sin(customer * 5.3)));

-- 2. Features are SQL: one row per customer; logarithms, because customers differ by factors.
CREATE VIEW features AS
SELECT customer, log10(count(*)) AS orders, log10(avg(amount)) AS basket, avg(discounted::INTEGER) AS discount_share
FROM orders GROUP BY customer;

-- 3. Fit once. The model is a table.
CREATE TABLE segments_january AS
FROM ppp_fit('SELECT * FROM features', exclude := ['customer']);

SELECT cluster_id, size, round(agreement, 3) AS agreement, center FROM segments_january;

-- 4. What are the segments like? In the units of the columns, and what sets each apart from the rest.
SELECT cluster_id, "column", round(mean.number, 2) AS mean, round(lift, 2) AS lift
FROM ppp_profile('features', model := 'segments_january')
WHERE "column" <> 'customer' ORDER BY ALL;

SELECT feature, round(value_a.number, 2) AS wholesale, round(value_b.number, 2) AS others, round(score, 1) AS score
FROM ppp_compare('segments_january', a := 2);

-- 5. Every night: new orders come in, customers are scored again. Nothing is fitted.
INSERT INTO orders SELECT customer + 1000, day, amount, discounted FROM orders WHERE customer < 40;

CREATE OR REPLACE TABLE scored AS
FROM ppp_predict('features', model := 'segments_january', output := 'full');

SELECT cluster_id, count(*) AS customers, count(*) FILTER (customer >= 1000) AS newcomers FROM scored GROUP BY ALL ORDER BY ALL;

-- 6. Whom does the model not know what to make of?
SELECT customer, round(outlier_score, 1) AS score
FROM ppp_outliers('features', model := 'segments_january', contamination := 0.01)
WHERE is_outlier ORDER BY score DESC, customer;

-- 7. In February half of the bargain hunters buy much less, most of them without a discount. The old model takes these for
-- regulars; a new fit finds them: ppp_match shows the old cluster 0 split.
DELETE FROM orders WHERE discounted AND customer % 2 = 0 AND day > DATE '2024-01-10';

CREATE TABLE segments_february AS
FROM ppp_fit('SELECT * FROM features', exclude := ['customer']);

FROM ppp_match('segments_january', 'segments_february', 'features');

-- 8. Is the old model still good for the new rows?
SELECT 'january' AS model, k, simplified_silhouette, separable_share FROM ppp_evaluate('features', model := 'segments_january')
UNION ALL
SELECT 'february', k, simplified_silhouette, separable_share FROM ppp_evaluate('features', model := 'segments_february');

-- The queries most people type first. Run with: python examples/run_queries.py

CREATE TABLE customers AS
SELECT i AS customer,
       [420, 1800, 95][1 + i % 3] * exp(0.2 * (sin(i * 3.7) + sin(i * 1.9) + sin(i * 5.3))) AS spend,
       [2, 9, 30][1 + i % 3] + 1.5 * cos(i * 1.3) AS visits,
       ['web', 'shop', 'web'][1 + i % 3] AS channel,
       DATE '2024-01-01' + (i % 300)::INTEGER AS since
FROM range(900) r(i);

-- 1. Every row back, with a cluster_id.
FROM ppp_cluster('customers');

-- 2. How large is each cluster, and what is it like?
SELECT cluster_id, count(*), avg(spend), avg(visits), mode(channel)
FROM ppp_cluster('customers', columns := ['spend', 'visits', 'channel'])
GROUP BY cluster_id ORDER BY cluster_id;

-- 3. How sure is it, and which rows are in doubt?
SELECT customer, cluster_id, probability, second_cluster_id
FROM ppp_cluster('customers', exclude := ['since'], output := 'full')
WHERE NOT is_separable ORDER BY probability LIMIT 10;

-- 4. A part of a table, with the number of clusters given.
FROM ppp_cluster('SELECT * FROM customers WHERE channel = ''web''', k := 2);

-- 5. Keep the result.
CREATE TABLE segments AS FROM ppp_cluster('customers', exclude := ['since']);

-- ppp_evaluate(src, model := 'seg'): how good the model is on these rows, in one row (one per group), in scaled units.
--
-- src               a table, view, CTE, temporary table, DataFrame or file by name, or a SELECT in quotes
-- model  VARCHAR    a model of ppp_fit: a table, view, CTE or file by name, or a SELECT in quotes
-- by     VARCHAR[]  the columns that it was fitted by, to be sure of them; NULL: as the model says
--
-- Columns: with by, those that name the group; k INTEGER; rows BIGINT; skipped BIGINT (rows without an id); inertia DOUBLE
-- (squared distances to the model's centres); simplified_silhouette DOUBLE (distances to centroids, not to all rows);
-- davies_bouldin DOUBLE; calinski_harabasz DOUBLE; log_likelihood DOUBLE; bic DOUBLE (lower is better); icl DOUBLE (bic +
-- twice the entropy of the clusters' posteriors); agreement DOUBLE (share of rows that k-means and the mixture put into the
-- same cluster); separable_share DOUBLE. With one cluster the silhouette and the two indices are 0.

CREATE OR REPLACE TEMP MACRO ppp_evaluate(
  src,
  model := NULL,
  by := NULL
) AS TABLE
FROM system.main.query(ppp__rewrite(
  ppp__connection(),
  system.main.current_setting('search_path'),
  'ppp_evaluate',
  src,
  {'model': ppp__given(model), 'by': ppp__given("by")}
));

-- The same call, once it is seen what it reads. look is bound to learn its type, and not used: see binding/looking.py.
CREATE OR REPLACE TEMP MACRO ppp__evaluate_seen(look INTEGER, asked) AS TABLE
FROM system.main.query(ppp__write(asked));

-- ppp_predict(src, model := 'seg'): every row of the source with the cluster of a stored model it belongs to. Nothing is
-- fitted.
--
-- src                a table, view, CTE, temporary table, DataFrame or file by name, or a SELECT in quotes
-- model   VARCHAR    a model of ppp_fit: a table, view, CTE or file by name, or a SELECT in quotes
-- by      VARCHAR[]  the columns that it was fitted by, to be sure of them; NULL: as the model says
-- output  VARCHAR    'id' (default: only cluster_id) or 'full'
-- prefix  VARCHAR    '': put before the name of every new column
--
-- New columns: as of ppp_cluster. Features are found by name; a missing one is an error, other columns do not matter. A
-- category not seen when the model was fitted is treated as the category other.

CREATE OR REPLACE TEMP MACRO ppp_predict(
  src,
  model := NULL,
  by := NULL,
  output := 'id',
  prefix := ''
) AS TABLE
FROM system.main.query(ppp__rewrite(
  ppp__connection(),
  system.main.current_setting('search_path'),
  'ppp_predict',
  src,
  {'model': ppp__given(model), 'by': ppp__given("by"), 'output': ppp__given(output), 'prefix': ppp__given(prefix)}
));

-- The same call, once it is seen what it reads. look is bound to learn its type, and not used: see binding/looking.py.
CREATE OR REPLACE TEMP MACRO ppp__predict_seen(look INTEGER, asked) AS TABLE
FROM system.main.query(ppp__write(asked));

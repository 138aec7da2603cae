-- ppp_outliers(src, model := 'seg'): every row of the source, with how little the model expects it.
--
-- src                       a table, view, CTE, temporary table, DataFrame or file by name, or a SELECT in quotes
-- model          VARCHAR    a model of ppp_fit: a table, view, CTE or file by name, or a SELECT in quotes
-- contamination  DOUBLE     0.01: the share of rows that is_outlier marks, at most
-- by             VARCHAR[]  the columns that it was fitted by, to be sure of them; NULL: as the model says
-- prefix         VARCHAR    '': put before the name of every new column
--
-- New columns: outlier_score DOUBLE (minus the log density of the row under the mixture, in scaled units: the higher, the
-- less expected), is_outlier BOOLEAN. Both are NULL for rows that cannot be scored.

CREATE OR REPLACE TEMP MACRO ppp_outliers(
  src,
  model := NULL,
  contamination := 0.01e0,
  by := NULL,
  prefix := ''
) AS TABLE
FROM system.main.query(ppp__rewrite(
  ppp__connection(),
  system.main.current_setting('search_path'),
  'ppp_outliers',
  src,
  {'model': ppp__given(model), 'contamination': ppp__given(contamination), 'by': ppp__given("by"), 'prefix': ppp__given(prefix)}
));

-- The same call, once it is seen what it reads. look is bound to learn its type, and not used: see binding/looking.py.
CREATE OR REPLACE TEMP MACRO ppp__outliers_seen(look INTEGER, asked) AS TABLE
FROM system.main.query(ppp__write(asked));

-- ppp_info(model): what the model was made of.
--
-- model  a model of ppp_fit: a table, view, CTE or file by name, or a SELECT in quotes
--
-- Columns: with by, those that name the group; property VARCHAR; value VARCHAR. Among the properties: k, covariance,
-- agreement, fingerprint (equal for equal data and options), rows, rows_used, rows_skipped and why, columns_used, each
-- column dropped and why, each option, and the versions of ppp_duck and DuckDB.

CREATE OR REPLACE TEMP MACRO ppp_info(
  model
) AS TABLE
FROM system.main.query(ppp__rewrite(
  ppp__connection(),
  system.main.current_setting('search_path'),
  'ppp_info',
  model,
  NULL
));

-- The same call, once it is seen what it reads. look is bound to learn its type, and not used: see binding/looking.py.
CREATE OR REPLACE TEMP MACRO ppp__info_seen(look INTEGER, asked) AS TABLE
FROM system.main.query(ppp__write(asked));

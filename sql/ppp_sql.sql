-- ppp_sql(model, …): plain SQL that scores a relation by a model, as ppp_predict does, on an engine without this package.
--
-- model             a model of ppp_fit: a table, view, CTE or file by name, or a SELECT in quotes
-- dialect  VARCHAR  'duckdb' (default), 'postgres', 'spark', 'bigquery', 'snowflake', 'clickhouse'
-- source   VARCHAR  the table to score, by name (of a macro: its own); NULL: the text {source}
-- output   VARCHAR  'id' (default: only cluster_id) or 'full'
-- form     VARCHAR  'select' (default), 'macro' (DuckDB) or 'view' (source_clusters)
--
-- One row with one column: sql VARCHAR. The text gives every row of the source, unchanged and in full, with the columns of
-- ppp_predict. It holds the whole model: missing values, categories, dates, scales, groups. The source's columns must have
-- the names and the types that they had in the fit. What an engine cannot say is an error that names it.

CREATE OR REPLACE TEMP MACRO ppp_sql(
  model,
  dialect := 'duckdb',
  source := NULL,
  output := 'id',
  form := 'select'
) AS TABLE
FROM system.main.query(ppp__rewrite(
  ppp__connection(),
  system.main.current_setting('search_path'),
  'ppp_sql',
  model,
  {'dialect': ppp__given(dialect), 'source': ppp__given(source), 'output': ppp__given(output), 'form': ppp__given(form)}
));

-- The same call, once it is seen what it reads. look is bound to learn its type, and not used: see binding/looking.py.
CREATE OR REPLACE TEMP MACRO ppp__sql_seen(look INTEGER, asked) AS TABLE
FROM system.main.query(ppp__write(asked));

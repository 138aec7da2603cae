-- ppp_match(old, new, src): which cluster of the old model became which of the new one, by the rows that they share.
--
-- old, new  models of ppp_fit: tables, views, CTEs or files by name, or SELECTs in quotes
-- src       the rows to compare them on: a table, view, CTE, temporary table, DataFrame or file by name, or a SELECT in quotes
--
-- Columns: with by, those that name the group; old_id INTEGER; new_id INTEGER; shared_rows BIGINT; event VARCHAR: kept
-- (each holds most of the other's rows), split (the new one came mostly from the old one, which has most of its rows
-- elsewhere), merged (most of the old one went to the new one, which has most of its rows from elsewhere), born (a new
-- cluster with no such old one; old_id is NULL and shared_rows all its rows), gone (an old cluster with no such new one).
--
-- Only rows with an id in both models count. Models that were fitted by groups are matched group by group; both must have
-- been fitted by the same columns. All clusters of a group that only the old model has are gone, of one that only the new
-- one has born, with 0 rows.

CREATE OR REPLACE TEMP MACRO ppp_match(
  old,
  new,
  src
) AS TABLE
FROM system.main.query(ppp__rewrite(
  ppp__connection(),
  system.main.current_setting('search_path'),
  'ppp_match',
  old,
  {'new': ppp__given("new"), 'src': ppp__given(src)}
));

-- The same call, once it is seen what it reads. look is bound to learn its type, and not used: see binding/looking.py.
CREATE OR REPLACE TEMP MACRO ppp__match_seen(look INTEGER, asked) AS TABLE
FROM system.main.query(ppp__write(asked));

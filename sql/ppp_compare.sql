-- ppp_compare(model, a := 0): what sets a cluster apart from another or from all the others, the strongest difference
-- first.
--
-- model           a model of ppp_fit: a table, view, CTE or file by name, or a SELECT in quotes
-- a      INTEGER  a cluster id
-- b      INTEGER  the cluster id to compare with; NULL: all the others together
--
-- Columns: with by, those that name the group; feature VARCHAR (for a category "column = category"); value_a, value_b UNION
-- (the means, in the units of the column; the shares of a category); score DOUBLE (Cohen's d: the difference in units of
-- the pooled standard deviation within clusters; infinite where neither varies).
-- For clients that read no UNION, the same as numbers (dates in days since 1970, timestamps in seconds since 1970, times
-- and intervals in seconds) and as texts for people: value_a_number DOUBLE, value_a_text VARCHAR, value_b_number DOUBLE,
-- value_b_text VARCHAR.

CREATE OR REPLACE TEMP MACRO ppp_compare(
  model,
  a := NULL,
  b := NULL
) AS TABLE
FROM system.main.query(ppp__rewrite(
  ppp__connection(),
  system.main.current_setting('search_path'),
  'ppp_compare',
  model,
  {'a': ppp__given(a), 'b': ppp__given(b)}
));

-- The same call, once it is seen what it reads. look is bound to learn its type, and not used: see binding/looking.py.
CREATE OR REPLACE TEMP MACRO ppp__compare_seen(look INTEGER, asked) AS TABLE
FROM system.main.query(ppp__write(asked));

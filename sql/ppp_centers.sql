-- ppp_centers(model): the centre of each cluster, in the units of the columns.
--
-- model  a model of ppp_fit: a table, view, CTE or file by name, or a SELECT in quotes
--
-- Columns: with by, those that name the group; cluster_id INTEGER; feature VARCHAR (a position of a vector as name[1]);
-- center UNION (number, date, time, timestamp or interval, as the column: center.number is the number); stddev DOUBLE (of
-- the cluster's rows; dates in days, times, timestamps and intervals in seconds); for texts instead one row for each
-- category: category VARCHAR, share DOUBLE (of the cluster's rows).
-- For clients that read no UNION, the same as numbers (dates in days since 1970, timestamps in seconds since 1970, times
-- and intervals in seconds) and as texts for people: center_number DOUBLE, center_text VARCHAR.

CREATE OR REPLACE TEMP MACRO ppp_centers(
  model
) AS TABLE
FROM system.main.query(ppp__rewrite(
  ppp__connection(),
  system.main.current_setting('search_path'),
  'ppp_centers',
  model,
  NULL
));

-- The same call, once it is seen what it reads. look is bound to learn its type, and not used: see binding/looking.py.
CREATE OR REPLACE TEMP MACRO ppp__centers_seen(look INTEGER, asked) AS TABLE
FROM system.main.query(ppp__write(asked));

-- ppp_profile(src, model := 'seg'): what the rows of each cluster are like, in every column of the source, feature or not.
--
-- src               a table, view, CTE, temporary table, DataFrame or file by name, or a SELECT in quotes
-- model  VARCHAR    a model of ppp_fit: a table, view, CTE or file by name, or a SELECT in quotes
-- by     VARCHAR[]  the columns that it was fitted by, to be sure of them; NULL: as the model says
--
-- Columns: with by, those that name the group; cluster_id INTEGER (NULL: the rows that could not be assigned);
-- column VARCHAR; n BIGINT (values); nulls BIGINT; mean, min, median, max, overall_mean UNION (in the units of the column:
-- mean.number, …; of texts only min and max); stddev DOUBLE (of dates in days, of times, timestamps and intervals in
-- seconds); top_value VARCHAR (the most frequent text); lift DOUBLE (mean / overall_mean; for texts the share of top_value
-- in the cluster over its share in all rows). NaN and infinite values are left out of mean, stddev, min, median and max.
-- For clients that read no UNION, the same as numbers (dates in days since 1970, timestamps in seconds since 1970, times
-- and intervals in seconds) and as texts for people: mean_number DOUBLE, mean_text VARCHAR, min_number DOUBLE,
-- min_text VARCHAR, median_number DOUBLE, median_text VARCHAR, max_number DOUBLE, max_text VARCHAR,
-- overall_mean_number DOUBLE, overall_mean_text VARCHAR.

CREATE OR REPLACE TEMP MACRO ppp_profile(
  src,
  model := NULL,
  by := NULL
) AS TABLE
FROM system.main.query(ppp__rewrite(
  ppp__connection(),
  system.main.current_setting('search_path'),
  'ppp_profile',
  src,
  {'model': ppp__given(model), 'by': ppp__given("by")}
));

-- The same call, once it is seen what it reads. look is bound to learn its type, and not used: see binding/looking.py.
CREATE OR REPLACE TEMP MACRO ppp__profile_seen(look INTEGER, asked) AS TABLE
FROM system.main.query(ppp__write(asked));

-- ppp_trials(model): every candidate that the search for k weighed.
--
-- model  a model of ppp_fit: a table, view, CTE or file by name, or a SELECT in quotes
--
-- Columns: with by, those that name the group; covariance VARCHAR; k INTEGER; log_likelihood DOUBLE (of the search's
-- sample, scaled); bic DOUBLE; icl DOUBLE; agreement DOUBLE; inertia DOUBLE; chosen BOOLEAN; why VARCHAR.

CREATE OR REPLACE TEMP MACRO ppp_trials(
  model
) AS TABLE
FROM system.main.query(ppp__rewrite(
  ppp__connection(),
  system.main.current_setting('search_path'),
  'ppp_trials',
  model,
  NULL
));

-- The same call, once it is seen what it reads. look is bound to learn its type, and not used: see binding/looking.py.
CREATE OR REPLACE TEMP MACRO ppp__trials_seen(look INTEGER, asked) AS TABLE
FROM system.main.query(ppp__write(asked));

-- An argument of a call. = where := is meant compares the name with the value: a BOOLEAN, which no argument is, and often
-- an error ('k' is no number). NULL stands for the error.

CREATE OR REPLACE TEMP MACRO ppp__given(x) AS CASE WHEN system.main.typeof(x) = 'BOOLEAN' THEN TRY(x) ELSE x END;

-- The statement that runs: its connection and what tells one execution from the next. What a statement keeps in Python
-- stays until its connection runs another. The time of the transaction makes DuckDB 1.4 number a prepared statement anew.

CREATE OR REPLACE TEMP MACRO ppp__client() AS ppp__connection();

CREATE OR REPLACE TEMP MACRO ppp__statement() AS {
  'connection': ppp__client(),
  'query': system.main.current_query_id(),
  'begun': system.main.epoch_us(system.main.now())
};

-- The statement that runs: its connection and what tells one execution from the next. What a statement keeps in Python
-- stays until its connection runs another. The time of the transaction makes DuckDB 1.4 number a prepared statement anew.

CREATE OR REPLACE TEMP MACRO ppp__client() AS ppp__connection();

CREATE OR REPLACE TEMP MACRO ppp__statement() AS {
  'connection': ppp__client(),
  'query': system.main.current_query_id(),
  'begun': system.main.epoch_us(system.main.now())
};

-- Values of columns of different types in one column: a UNION, whose members can be read as center.number, center.date, …
-- x is what ppp__number made of a value (seconds for dates and times); kind says which member it belongs to.

CREATE OR REPLACE TEMP MACRO ppp__value(x, kind) AS CASE
  WHEN x IS NULL THEN NULL
  WHEN kind = 'date' AND system.main.abs(x) < 1e14 THEN system.main.union_value("date" := DATE '1970-01-01' + CAST(system.main.round(x / 86400) AS INTEGER))
    ::UNION("number" DOUBLE, "date" DATE, "time" TIME, "timestamp" TIMESTAMP, "interval" INTERVAL, "text" VARCHAR)
  WHEN kind = 'time' AND x >= 0 AND x < 86400 THEN system.main.union_value("time" := TIME '00:00:00' + system.main.to_microseconds(CAST(system.main.round(x * 1e6) AS BIGINT)))
    ::UNION("number" DOUBLE, "date" DATE, "time" TIME, "timestamp" TIMESTAMP, "interval" INTERVAL, "text" VARCHAR)
  WHEN kind = 'timestamp' AND system.main.abs(x) < 9e12 THEN system.main.union_value("timestamp" := system.main.make_timestamp(CAST(system.main.round(x * 1e6) AS BIGINT)))
    ::UNION("number" DOUBLE, "date" DATE, "time" TIME, "timestamp" TIMESTAMP, "interval" INTERVAL, "text" VARCHAR)
  WHEN kind = 'interval' AND system.main.abs(x) < 9e12 THEN system.main.union_value("interval" := system.main.to_microseconds(CAST(system.main.round(x * 1e6) AS BIGINT)))
    ::UNION("number" DOUBLE, "date" DATE, "time" TIME, "timestamp" TIMESTAMP, "interval" INTERVAL, "text" VARCHAR)
  ELSE system.main.union_value("number" := x)
    ::UNION("number" DOUBLE, "date" DATE, "time" TIME, "timestamp" TIMESTAMP, "interval" INTERVAL, "text" VARCHAR)
END;

CREATE OR REPLACE TEMP MACRO ppp__words(x) AS system.main.union_value("text" := x)
    ::UNION("number" DOUBLE, "date" DATE, "time" TIME, "timestamp" TIMESTAMP, "interval" INTERVAL, "text" VARCHAR);

-- The same as a number that every client reads, in the unit of standard deviations: a date as days since 1970, a time as
-- seconds since midnight, a timestamp as seconds since 1970, an interval as seconds.
CREATE OR REPLACE TEMP MACRO ppp__plain(x, kind) AS CASE WHEN kind = 'date' THEN x / 86400 ELSE x END;

-- And as a text for people: four digits, whole from 1,000 up; times to the second.
CREATE OR REPLACE TEMP MACRO ppp__shown(x, kind) AS CASE
  WHEN kind <> 'number' AND system.main.abs(x) < 9e12 THEN CAST(ppp__value(system.main.round(x), kind) AS VARCHAR)
  WHEN system.main.abs(x) >= 1000 AND system.main.abs(x) < 1e15 THEN system.main.format('{:,}', CAST(system.main.round(x) AS BIGINT))
  ELSE system.main.format('{:.4g}', x)
END;

-- Which member a number from a column of this type belongs to.
CREATE OR REPLACE TEMP MACRO ppp__member(type) AS CASE
  WHEN type = 'DATE' THEN 'date'
  WHEN system.main.starts_with(type, 'TIMESTAMP') THEN 'timestamp'
  WHEN system.main.starts_with(type, 'TIME') THEN 'time'
  WHEN type = 'INTERVAL' THEN 'interval'
  ELSE 'number'
END;

-- The most frequent text of a histogram; of equally frequent ones the first in order.
CREATE OR REPLACE TEMP MACRO ppp__top(counts) AS
  system.main.list_min(system.main.list_transform(system.main.map_entries(counts), lambda e: {'n': -CAST(e.value AS BIGINT), 'text': e.key})).text;

-- Whether the hash of a row is among those of its slot, and the score that belongs to it. Slots are lists of lists.
CREATE OR REPLACE TEMP MACRO ppp__is_known(h, slots, hashes) AS
  system.main.list_contains(hashes[1 + CAST(h % slots AS BIGINT)], h);

CREATE OR REPLACE TEMP MACRO ppp__known(h, slots, hashes, scores) AS
  scores[1 + CAST(h % slots AS BIGINT)][system.main.list_position(hashes[1 + CAST(h % slots AS BIGINT)], h)];

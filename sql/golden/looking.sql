FROM ppp__predict_seen((SELECT (
  SELECT system.main.struct_extract({'seen': 1}, ppp__look([[system.main.typeof("_ppp_relation_0 "), system.main.typeof(["_ppp_relation_0 ".rowid]), system.main.typeof(["_ppp_relation_0 ".file_index])], [system.main.typeof("_ppp_relation_1 "), system.main.typeof(["_ppp_relation_1 ".rowid]), system.main.typeof(["_ppp_relation_1 ".file_index])]]))
  FROM "c" AS "_ppp_relation_0 ", "seg" AS "_ppp_relation_1 " LIMIT 0
) FROM (SELECT true AS rowid, true AS file_index) AS "_ppp_relation_0 ", (SELECT true AS rowid, true AS file_index) AS "_ppp_relation_1 "),
  '{"catalog": 0, "function": "ppp_predict", "options": {"a": null, "b": null, "by": [], "contamination": 0.01, "dialect": "duckdb", "form": "select", "model": "seg", "output": "id", "prefix": "", "source": null}, "relations": [{"columns": null, "name": "c", "relation": "\"c\"", "repeatable": false}, {"columns": null, "name": "seg", "relation": "\"seg\"", "repeatable": false}]}')

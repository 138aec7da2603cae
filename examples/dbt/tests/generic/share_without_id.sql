{% test share_without_id(model, column_name, at_most) %}
-- A row comes back, and the test fails, where too many rows have no cluster.
select avg(({{ column_name }} is null)::integer) as share_without_id
from {{ model }}
having share_without_id > {{ at_most }}
{% endtest %}

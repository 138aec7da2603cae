-- Every night: all customers by the segments that were fitted once.
select *
from ppp_predict('{{ ref("customers") }}', model := '{{ ref("segments") }}', output := 'full')

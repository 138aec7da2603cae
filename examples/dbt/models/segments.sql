-- The model is a table. It is fitted when you want it (`dbt build`), not every night (`dbt build --exclude tag:fit`).
{{ config(tags=['fit']) }}
select *
from ppp_fit('{{ ref("customers") }}', columns := ['orders', 'basket', 'discount_share'])

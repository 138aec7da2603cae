-- Fitted and told in one: every customer, with the cluster of today.
select *
from ppp_cluster('{{ ref("customers") }}', columns := ['orders', 'basket', 'discount_share'])

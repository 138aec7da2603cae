-- One row for each customer. Who never ordered has no features, and so will have no cluster.
select
    c.customer,
    c.city,
    nullif(count(o.customer), 0) as orders,
    avg(o.amount) as basket,
    avg(o.discounted::integer) as discount_share
from {{ ref('registered') }} as c
left join {{ ref('stg_orders') }} as o on o.customer = c.customer
group by c.customer, c.city

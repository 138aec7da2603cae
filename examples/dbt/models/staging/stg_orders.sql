select customer, day, amount, discounted
from {{ ref('orders') }}
where amount > 0

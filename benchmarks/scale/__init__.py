"""Time and memory of ``ppp_cluster`` on large tables, beside what a user would do without it."""

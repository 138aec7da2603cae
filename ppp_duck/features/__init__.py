"""Which columns are features, from what they hold, and how each becomes numbers and categories. numpy only."""

"""Commands that stand in SQL together with the change that asks for them, until the bus has them."""

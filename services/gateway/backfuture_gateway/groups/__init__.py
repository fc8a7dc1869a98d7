"""Groups of orders that a bot manages as one."""

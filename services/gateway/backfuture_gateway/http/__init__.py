"""What all endpoints share: error shape, amounts, limits, pages, idempotency."""

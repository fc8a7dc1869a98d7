"""What both venues' HTTP and WebSocket sides have in common."""

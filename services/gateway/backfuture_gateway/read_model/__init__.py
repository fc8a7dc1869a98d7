"""What the topics tell, folded into SQL for reading; can be thrown away and rebuilt."""

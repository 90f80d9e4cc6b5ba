"""verify: two programs that share no code agree, and whatever is changed by hand is found."""

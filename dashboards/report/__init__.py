"""The report: what a week, a month or a tertial was like, said in plain Swedish and laid out to be read."""

"""What `kommuncenter source new` makes: a source for each channel, which passes the kit as it stands."""

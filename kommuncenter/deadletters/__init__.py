"""Dead letters for people: finding them, telling about them, and replaying them."""

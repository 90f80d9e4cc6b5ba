"""How a report looks: each module makes one format out of a document, and reckons nothing."""

"""Pure folds, joining, classification and figures: no clock, no input or output."""

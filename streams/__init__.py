"""The stream: pure folds in core, the Faust application and the ClickHouse sink around them."""

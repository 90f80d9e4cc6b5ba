"""The whole way, through real parts in processes of their own."""

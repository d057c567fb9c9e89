"""How a process that runs many programs marks where the output of each begins and ends."""

BEGIN, END = "\x1e", "\x1f"

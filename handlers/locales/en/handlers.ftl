### The error texts of the shipped handlers. The group is the message, the rest of the code its attribute:
### `chess.illegalMove` is `.illegalMove` under `chess`.

# .amountTooLarge: $max is the furthest the counter moves at once, up or down.
counter =
    .amountTooLarge = The counter can change by at most { $max } at a time.

# .illegalMove: $from and $to are squares, for example e2.
chess =
    .illegalMove = The move from { $from } to { $to } is not legal.

### The error texts of the shipped handlers. The group is the message, the rest of the code its attribute:
### `chess.illegalMove` is `.illegalMove` under `chess`.

# .amountTooLarge: $max is the furthest the counter moves at once, up or down.
counter =
    .amountTooLarge = The counter can change by at most { $max } at a time.

# .illegalMove: $from and $to are squares, for example e2.
chess =
    .illegalMove = The move from { $from } to { $to } is not legal.

# $card and $top are cards, for example 10♥; the same in every language.
cards =
    .tableFull = Both seats at this table are taken.
    .notSeated = You are not sitting at this table.
    .alone = A game takes two players, and one seat is empty.
    .noGame = There is no game in play at this table.
    .notYourTurn = It is not your turn.
    .notInHand = You do not have { $card }.
    .doesNotFit = { $card } does not go on { $top }.

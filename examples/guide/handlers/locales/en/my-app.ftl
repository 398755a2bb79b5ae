counter =
    .amountTooLarge = The counter moves by at most { $max } at once.

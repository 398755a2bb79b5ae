### Deutsch, mit Sie.

counter =
    .amountTooLarge = Der Zähler lässt sich auf einmal höchstens um { $max } ändern.

chess =
    .illegalMove = Der Zug von { $from } nach { $to } ist nicht erlaubt.

### Deutsch, mit Sie.

counter =
    .amountTooLarge = Der Zähler lässt sich auf einmal höchstens um { $max } ändern.

chess =
    .illegalMove = Der Zug von { $from } nach { $to } ist nicht erlaubt.

cards =
    .tableFull = Beide Plätze an diesem Tisch sind besetzt.
    .notSeated = Sie sitzen nicht an diesem Tisch.
    .alone = Ein Spiel braucht zwei Personen, und ein Platz ist leer.
    .noGame = An diesem Tisch läuft gerade kein Spiel.
    .notYourTurn = Sie sind nicht an der Reihe.
    .notInHand = Sie haben { $card } nicht.
    .doesNotFit = { $card } passt nicht auf { $top }.

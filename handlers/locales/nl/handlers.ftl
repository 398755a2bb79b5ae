### Nederlands, met je.

counter =
    .amountTooLarge = De teller kan per keer met maximaal { $max } veranderen.

chess =
    .illegalMove = De zet van { $from } naar { $to } is niet toegestaan.

cards =
    .tableFull = Beide plaatsen aan deze tafel zijn bezet.
    .notSeated = Je zit niet aan deze tafel.
    .alone = Voor een spel zijn twee spelers nodig, en één plaats is leeg.
    .noGame = Aan deze tafel wordt nu niet gespeeld.
    .notYourTurn = Je bent niet aan de beurt.
    .notInHand = Je hebt { $card } niet.
    .doesNotFit = { $card } past niet op { $top }.

### Nederlands, met je.

counter =
    .amountTooLarge = De teller kan per keer met maximaal { $max } veranderen.

chess =
    .illegalMove = De zet van { $from } naar { $to } is niet toegestaan.

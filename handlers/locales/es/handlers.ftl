### Español, con usted o neutro.

counter =
    .amountTooLarge = El contador no puede variar más de { $max } de una sola vez.

chess =
    .illegalMove = El movimiento de { $from } a { $to } no está permitido.

cards =
    .tableFull = Los dos asientos de esta mesa están ocupados.
    .notSeated = Usted no ocupa ningún asiento en esta mesa.
    .alone = Para jugar hacen falta dos personas, y un asiento está vacío.
    .noGame = No hay ninguna partida en curso en esta mesa.
    .notYourTurn = No es su turno.
    .notInHand = Usted no tiene { $card }.
    .doesNotFit = { $card } no se puede poner sobre { $top }.

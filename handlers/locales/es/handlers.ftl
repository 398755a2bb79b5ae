### Español, con usted o neutro.

counter =
    .amountTooLarge = El contador no puede variar más de { $max } de una sola vez.

chess =
    .illegalMove = El movimiento de { $from } a { $to } no está permitido.

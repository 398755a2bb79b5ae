### Français, avec vous.

counter =
    .amountTooLarge = Le compteur ne peut pas varier de plus de { $max } à la fois.

chess =
    .illegalMove = Le coup de { $from } à { $to } n’est pas autorisé.

cards =
    .tableFull = Les deux places à cette table sont prises.
    .notSeated = Vous n’êtes pas assis à cette table.
    .alone = Il faut être deux pour jouer, et une place est vide.
    .noGame = Aucune partie n’est en cours à cette table.
    .notYourTurn = Ce n’est pas votre tour.
    .notInHand = Vous n’avez pas { $card }.
    .doesNotFit = { $card } ne va pas sur { $top }.

### Français, avec vous.

counter =
    .amountTooLarge = Le compteur ne peut pas varier de plus de { $max } à la fois.

chess =
    .illegalMove = Le coup de { $from } à { $to } n’est pas autorisé.

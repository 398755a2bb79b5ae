shop =
    .soldOut = There are only { $left } left.

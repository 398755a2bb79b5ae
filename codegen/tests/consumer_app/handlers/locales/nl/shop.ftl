shop =
    .soldOut = Er zijn er nog maar { $left }.
